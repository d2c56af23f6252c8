#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "netlink_request.h"

_Static_assert(MH_RTN_UNICAST == RTN_UNICAST && MH_RTN_LOCAL == RTN_LOCAL && MH_RTN_MULTICAST == RTN_MULTICAST, "rtm_type");

static void copy_address(uint8_t to[16], const struct rtattr *from) {
  size_t size = RTA_PAYLOAD(from);
  memcpy(to, RTA_DATA(from), size < 16 ? size : 16);
}

static uint32_t number(const struct rtattr *from) {
  uint32_t value = 0;
  if (RTA_PAYLOAD(from) >= sizeof value) memcpy(&value, RTA_DATA(from), sizeof value);
  return value;
}

// The members of a route, and of a rule, whose header has the same layout (linux/fib_rules.h).
static void read_attribute(const struct rtattr *at, struct mh_route *route) {
  switch (at->rta_type) {
    case RTA_DST: copy_address(route->destination, at); break;
    case RTA_OIF: route->interface = number(at); break;
    case RTA_TABLE: route->table = number(at); break;
    case RTA_GATEWAY:
      route->has_gateway = 1;
      copy_address(route->gateway, at);
      break;
    case RTA_PREFSRC:
      route->has_source = 1;
      copy_address(route->source, at);
      break;
    default: break;
  }
}

_Static_assert(sizeof(struct rtmsg) == sizeof(struct fib_rule_hdr), "a rule begins as a route does");
_Static_assert(offsetof(struct rtmsg, rtm_dst_len) == offsetof(struct fib_rule_hdr, dst_len), "as above");
_Static_assert((int)FRA_DST == (int)RTA_DST && (int)FRA_TABLE == (int)RTA_TABLE, "as above");

static int read_route(const struct nlmsghdr *message, struct mh_list *list) {
  if (message->nlmsg_len < NLMSG_LENGTH(sizeof(struct rtmsg))) return 0;
  const struct rtmsg *body = NLMSG_DATA(message);
  // Copies that the kernel keeps of routes in use; multicast routing's have a family of their own.
  if (body->rtm_flags & RTM_F_CLONED && message->nlmsg_flags & NLM_F_MULTI) return 0;
  if (body->rtm_family != AF_INET && body->rtm_family != AF_INET6) return 0;
  struct mh_route route = {
      .is_ipv6 = body->rtm_family == AF_INET6, .length = body->rtm_dst_len, .type = body->rtm_type, .table = body->rtm_table};
  int rest = (int)message->nlmsg_len - (int)NLMSG_LENGTH(sizeof *body);
  for (const struct rtattr *at = RTM_RTA(body); RTA_OK(at, rest); at = RTA_NEXT(at, rest)) {
    // A rule has other members under these numbers.
    if (message->nlmsg_type == RTM_NEWRULE && at->rta_type != FRA_DST && at->rta_type != FRA_TABLE) continue;
    read_attribute(at, &route);
  }
  return mh_append(list, &route, sizeof route);
}

static int read_all(uint16_t type, int family, struct mh_route **routes) {
  struct {
    struct nlmsghdr header;
    struct rtmsg body;
  } request = {.header = {.nlmsg_len = sizeof request, .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
               .body = {.rtm_family = (unsigned char)family}};
  struct mh_list list;
  int result = mh_request(NETLINK_ROUTE, &request.header, read_route, &list);
  if (result < 0) return result;
  *routes = list.items;
  return (int)list.count;
}

int mh_read_routes(int family, struct mh_route **routes) { return read_all(RTM_GETROUTE, family, routes); }

int mh_read_rules(int family, struct mh_route **rules) { return read_all(RTM_GETRULE, family, rules); }

// ---- One question --------------------------------------------------------------------------------------------------

struct question {
  struct nlmsghdr header;
  struct rtmsg body;
  char attributes[128];
};

static void add(struct question *to, uint16_t type, const void *data, size_t size) {
  struct rtattr *at = (struct rtattr *)((char *)to + NLMSG_ALIGN(to->header.nlmsg_len));
  at->rta_type = type;
  at->rta_len = (unsigned short)RTA_LENGTH(size);
  memcpy(RTA_DATA(at), data, size);
  to->header.nlmsg_len = NLMSG_ALIGN(to->header.nlmsg_len) + (uint32_t)RTA_ALIGN(at->rta_len);
}

// The answer is one message, with no NLMSG_DONE behind it.
static int read_answer(const struct nlmsghdr *message, struct mh_list *list) {
  int error = read_route(message, list);
  return error < 0 ? error : 1;
}

int mh_ask_route(const struct mh_route_question *asked, struct mh_route *answer) {
  _Alignas(struct nlmsghdr) struct question request = {
      .header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)), .nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST},
      .body = {.rtm_family = asked->is_ipv6 ? AF_INET6 : AF_INET, .rtm_dst_len = asked->is_ipv6 ? 128 : 32}};
  uint8_t protocol = IPPROTO_UDP;
  uint16_t port = htons(asked->port);
  add(&request, RTA_DST, asked->destination, asked->is_ipv6 ? 16 : 4);
  if (asked->interface != 0) add(&request, RTA_OIF, &asked->interface, sizeof asked->interface);
  if (asked->mark != 0) add(&request, RTA_MARK, &asked->mark, sizeof asked->mark);
  add(&request, RTA_UID, &asked->user, sizeof asked->user);
  add(&request, RTA_IP_PROTO, &protocol, sizeof protocol);
  if (asked->port != 0) add(&request, RTA_SPORT, &port, sizeof port);
  struct mh_list list;
  int result = mh_request(NETLINK_ROUTE, &request.header, read_answer, &list);
  if (result < 0) return result;
  if (list.count == 0) return -EIO;
  *answer = *(const struct mh_route *)list.items;
  free(list.items);
  return 0;
}
