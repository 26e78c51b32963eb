#pragma once
// Asking the DNS, inside the loop: questions of our own with their own time-outs, answers bounded and distrusted, and a
// cache that honours TTLs. The system's resolv.conf and hosts file are read, and read again when they change (search
// lists are not followed: only full names are asked for).

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "io/wait.h"

namespace dns {

enum class Type : std::uint16_t {
  a = 1,
  ns = 2,
  cname = 5,
  soa = 6,
  ptr = 12,
  mx = 15,
  txt = 16,
  aaaa = 28,
  srv = 33,
  tlsa = 52
};
std::string_view name_of(Type type);  // "MX"

struct Record {
  Type type;
  std::string owner;  // the name that has the record, after aliases
  std::uint32_t ttl = 0;
  std::string data;          // an address in text form, a host name without its last dot, a text; of tlsa the raw bytes
  int preference = 0;        // mx, and the priority of srv
  int weight = 0, port = 0;  // srv
};

// Why there are no records. A caller must tell apart what is so from what cannot be known now.
struct Failure {
  enum class Kind {
    not_found,  // no such name
    no_data,    // the name is there, records of the type are not
    try_again,  // nobody answered, or the server has a problem
    invalid,    // no name that could be asked for, or an answer that makes no sense
  };
  Kind kind;
  std::string text;       // "Host or domain name not found. Name service error for name=x type=MX: Host not found"
  bool filtered = false;  // try_again: there were records, but a filter has taken out all of them
};
// As the system's own look-ups say it: "Name or service not known", "No address associated with hostname", ...
std::string_view system_words(Failure::Kind kind);
// As the DNS says it: "Host not found", "Host not found, try again", ...
std::string_view dns_words(const Failure& failure);
using Answer = std::expected<std::vector<Record>, Failure>;

class ReplyFilter;

// For one thread: that of the loop.
class Resolver {
 public:
  struct Options {
    std::string resolv_conf = "/etc/resolv.conf";  // here a server may have a port: "127.0.0.1:5353", "[::1]:5353"
    std::string hosts = "/etc/hosts";
    std::size_t cached_answers = 4096;
    std::size_t cached_bytes = 8 * 1024 * 1024;
    std::chrono::seconds cached_failures{5};    // how long "try again" is not tried again
    std::size_t most_records = 100;             // of one answer; what is more is dropped
    bool smtputf8 = true;                       // names in UTF-8 are asked for in their ACE form
    std::shared_ptr<const ReplyFilter> filter;  // for ask(); addresses_of() and name_of() are not filtered
    // With <program>_dns_reply_filter. Throws config::BadValue.
    static Options from(const config::Config& config, std::string_view program = "smtpd");
  };
  Resolver();
  explicit Resolver(Options options);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Follows aliases. In a fiber other fibers run meanwhile; outside it blocks. Many may ask at once; equal questions
  // are asked once. A null MX is a record with the data ".". Host names in records are valid ones, or (as some write
  // them) addresses.
  Answer ask(std::string_view name, Type type, io::Deadline deadline);

  // Several at once, each with its own answer, in the order of the questions (DNS lists).
  struct Question {
    std::string name;
    Type type;
  };
  std::vector<Answer> ask_all(const std::vector<Question>& questions, io::Deadline deadline);

  // Addresses of a host: the hosts file first, then A and AAAA as wanted. IPv4 addresses come first.
  enum class Families { ipv4, ipv6, both };
  Answer addresses_of(std::string_view host, Families families, io::Deadline deadline);

  // The name of an address: the hosts file first, then PTR. One record.
  Answer name_of(std::string_view address, io::Deadline deadline);

 private:
  std::vector<Answer> answers_to(const std::vector<Question>& questions, bool filter, io::Deadline deadline);
  struct State;
  std::shared_ptr<State> state_;  // shared with the fibers of ask_all()
};

// 4.3.2.1.in-addr.arpa of 1.2.3.4, and the nibbles of IPv6; without the suffix for lists: "4.3.2.1". Empty for what is
// no address.
std::string reversed(std::string_view address);
std::string reverse_name(std::string_view address);

}  // namespace dns
