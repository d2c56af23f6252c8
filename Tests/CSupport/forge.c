#define _GNU_SOURCE
#include "CSupport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LONGEST = 2048 };

static uint32_t sum(const void *data, size_t length, uint32_t start) {
  const uint8_t *bytes = data;
  for (size_t i = 0; i < length; i++) start += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
  return start;
}

static uint16_t fold(uint32_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return htons((uint16_t)~sum);
}

// UDP's checksum: over a pseudo-header of addresses, length and protocol, and all of the datagram (RFC 768, RFC 8200).
static uint16_t checksum(const struct mhs_endpoint *from, const struct mhs_endpoint *to, const void *datagram,
                         size_t length) {
  size_t size = from->is_ipv4 ? 4 : 16;
  uint32_t total = IPPROTO_UDP + (uint32_t)length;
  total = sum(from->address, size, total);
  total = sum(to->address, size, total);
  return fold(sum(datagram, length, total));
}

int mhs_forge(const struct mhs_endpoint *from, const struct mhs_endpoint *to, const void *bytes, size_t length) {
  struct {
    union {
      struct iphdr v4;
      uint8_t v6[40];
    } ip;
    uint8_t rest[LONGEST];
  } packet = {0};
  struct udphdr udp = {.source = htons(from->port), .dest = htons(to->port), .len = htons((uint16_t)(8 + length))};
  size_t header = from->is_ipv4 ? sizeof packet.ip.v4 : sizeof packet.ip.v6;
  uint8_t *datagram = (uint8_t *)&packet + header;
  if (length > LONGEST - 64) return -EMSGSIZE;
  memcpy(datagram, &udp, 8);
  memcpy(datagram + 8, bytes, length);
  udp.check = checksum(from, to, datagram, 8 + length);
  memcpy(datagram, &udp, 8);
  struct sockaddr_storage name = {0};
  socklen_t size;
  if (from->is_ipv4) {
    packet.ip.v4 = (struct iphdr){.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP};
    memcpy(&packet.ip.v4.saddr, from->address, 4);
    memcpy(&packet.ip.v4.daddr, to->address, 4);
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    memcpy(&v4.sin_addr, to->address, 4);
    memcpy(&name, &v4, size = sizeof v4);
  } else {
    packet.ip.v6[0] = 0x60;
    uint16_t payload = htons((uint16_t)(8 + length));
    memcpy(packet.ip.v6 + 4, &payload, 2);
    packet.ip.v6[6] = IPPROTO_UDP;
    packet.ip.v6[7] = 64;
    memcpy(packet.ip.v6 + 8, from->address, 16);
    memcpy(packet.ip.v6 + 24, to->address, 16);
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    memcpy(&v6.sin6_addr, to->address, 16);
    memcpy(&name, &v6, size = sizeof v6);
  }
  int fd = socket(from->is_ipv4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
  if (fd < 0) return -errno;
  ssize_t sent = sendto(fd, &packet, header + 8 + length, 0, (struct sockaddr *)&name, size);
  int error = sent < 0 ? -errno : 0;
  close(fd);
  return error;
}
