// AUTH with any back end and any client. The first byte says what the back end does; then come its texts, up to the
// first line end; the rest is what the client sends. Nothing breaks, every session ends, and nobody is authenticated
// but by the back end's word.

#include <fmt/format.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstdlib>

#include "io/socket.h"
#include "logging/log.h"
#include "smtpd/session.h"
#include "smtpd/shared.h"

namespace {

using Step = sasl::Attempt::Step;

class Played final : public sasl::Server {
 public:
  class Attempt final : public sasl::Attempt {
   public:
    explicit Attempt(Played& server) : server_(server) {}
    Step start(std::optional<std::string>, io::Deadline) override { return next(); }
    Step go_on(std::string_view, io::Deadline) override { return next(); }
    std::string username_so_far() const override { return server_.text; }
    std::string reason_for_bad_base64(std::string_view response, bool) const override { return std::string(response); }

   private:
    Step next() {
      if (ended_) std::abort();
      const unsigned what = server_.behaviour & 7;
      server_.behaviour = server_.behaviour >> 1 | (server_.behaviour & 1) << 7;
      if (what < 3) return {Step::Kind::challenge, server_.text, {}};
      ended_ = true;
      if (what < 5) return {Step::Kind::failed, server_.text, {}};
      if (what < 6) return {Step::Kind::unavailable, server_.text, {}};
      server_.said_yes = true;
      return {Step::Kind::done, {}, server_.text};
    }
    Played& server_;
    bool ended_ = false;
  };
  std::expected<std::vector<std::string>, base::Error> mechanisms(const sasl::Peer&, io::Deadline) override {
    return std::vector<std::string>{"PLAIN"};
  }
  std::unique_ptr<sasl::Attempt> begin(const sasl::Peer&, std::string_view, std::string_view) override {
    return std::make_unique<Attempt>(*this);
  }
  unsigned behaviour = 0;
  std::string text;
  bool said_yes = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 100'000) return 0;
  static const auto config = config::Config::from_text(
      "myhostname = a.example\nsmtpd_sasl_auth_enable = yes\nsmtpd_error_sleep_time = 0\nsmtpd_peername_lookup = no\n"
      "mynetworks = 127.0.0.0/8\nsmtpd_forbid_unauth_pipelining = no\n");
  static Played server;
  static smtpd::Shared shared({.config = &*config, .sasl = &server});
  const logging::Capture log;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  server.behaviour = data[0];
  server.said_yes = false;
  server.text = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(rest.size(), server.text.size() + 1));

  // Without a loop and its fibers, which would be half of the work: all that the client says is there at once.
  auto [ours, theirs] = io::socket_pair();
  const std::string input = fmt::format("AUTH PLAIN\r\n{}\r\nQUIT\r\n*\r\nQUIT\r\n", rest);
  const int room = 4 * 1024 * 1024;
  for (const int fd : {ours.get(), theirs.get()}) ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  if (::send(theirs.get(), input.data(), input.size(), MSG_DONTWAIT) != static_cast<ssize_t>(input.size()))
    std::abort();
  ::shutdown(theirs.get(), SHUT_WR);
  smtpd::Session session(shared, io::Stream(std::move(ours)), {});
  session.run();
  const std::string name = session.sasl_username;
  if (!name.empty() && (!server.said_yes || name != server.text)) std::abort();
  return 0;
}
