#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

_Static_assert(sizeof(struct mh_mmsghdr) == sizeof(struct mmsghdr), "mmsghdr");
_Static_assert(offsetof(struct mh_mmsghdr, length) == offsetof(struct mmsghdr, msg_len), "mmsghdr.msg_len");
_Static_assert(sizeof(struct mh_in_pktinfo) == sizeof(struct in_pktinfo), "in_pktinfo");
_Static_assert(offsetof(struct mh_in_pktinfo, specific_destination) == offsetof(struct in_pktinfo, ipi_spec_dst), "");
_Static_assert(offsetof(struct mh_in_pktinfo, destination) == offsetof(struct in_pktinfo, ipi_addr), "");
_Static_assert(MH_SOL_UDP == SOL_UDP, "SOL_UDP");
_Static_assert(MH_IP_RECVTTL == IP_RECVTTL && MH_IP_RECVTOS == IP_RECVTOS && MH_IP_PKTINFO == IP_PKTINFO, "ip");
_Static_assert(MH_IPV6_PKTINFO == IPV6_PKTINFO && MH_IPV6_RECVHOPLIMIT == IPV6_RECVHOPLIMIT, "ipv6");
_Static_assert(MH_IPV6_HOPLIMIT == IPV6_HOPLIMIT && MH_IPV6_RECVTCLASS == IPV6_RECVTCLASS, "ipv6");
_Static_assert(MH_IPV6_TCLASS == IPV6_TCLASS, "ipv6");
_Static_assert(MH_SO_RXQ_OVFL == SO_RXQ_OVFL && MH_SO_SELECT_ERR_QUEUE == SO_SELECT_ERR_QUEUE, "socket");
_Static_assert(MH_SO_RCVBUFFORCE == SO_RCVBUFFORCE, "socket");
_Static_assert(MH_MSG_TRUNC == MSG_TRUNC && MH_MSG_CTRUNC == MSG_CTRUNC, "msg");
_Static_assert(MH_RECEIVE_CONTROL >= CMSG_SPACE(sizeof(int)) * 4 + CMSG_SPACE(sizeof(struct in_pktinfo)), "room");
_Static_assert(MH_SEND_CONTROL >= CMSG_SPACE(sizeof(int)) * 3 + CMSG_SPACE(sizeof(struct in_pktinfo)), "room");

int mh_receive(int fd, struct mh_mmsghdr *messages, unsigned int count) {
  int n = recvmmsg(fd, (struct mmsghdr *)messages, count, MSG_DONTWAIT, NULL);
  return n < 0 ? -errno : n;
}

int mh_send(int fd, struct mh_mmsghdr *messages, unsigned int count) {
  int n = sendmmsg(fd, (struct mmsghdr *)messages, count, MSG_DONTWAIT | MSG_NOSIGNAL);
  return n < 0 ? -errno : n;
}
