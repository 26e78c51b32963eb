#pragma once
// The SMTP server's session without a network: what a client sends goes in, replies and messages come out.

#include <fmt/format.h>
#include <sys/socket.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "io/socket.h"
#include "logging/log.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"
#include "smtpd/shared.h"

namespace smtpd_world {

using queue::RecordType;

struct Taken {
  int flags = 0;
  std::vector<std::pair<RecordType, std::string>> records;
  bool finished = false;

  std::vector<std::string> of(RecordType type) const {
    std::vector<std::string> result;
    for (const auto& [each, data] : records)
      if (each == type) result.push_back(data);
    return result;
  }
  bool has(RecordType type, std::string_view data) const {
    for (const auto& [each, text] : records)
      if (each == type && text == data) return true;
    return false;
  }
  // Behind the header that the server wrote.
  std::vector<std::string> content() const {
    std::vector<std::string> result;
    bool inside = false;
    for (const auto& [type, data] : records) {
      if (type == RecordType::extracted) inside = false;
      if (inside) result.push_back((type == RecordType::unterminated ? "L " : "N ") + data);
      if (type == RecordType::text && data.starts_with("\tfor ")) inside = true;
      if (type == RecordType::text && data.starts_with("\tby ") && data.ends_with(";"))
        date_follows_ = true;
      else if (date_follows_ && type == RecordType::text)
        inside = true, date_follows_ = false;
    }
    return result;
  }

 private:
  mutable bool date_follows_ = false;
};

// Keeps messages in memory, and fails where it is told to.
class MemorySink final : public smtpd::MailSink {
 public:
  bool begin_fails = false;
  bool append_fails = false;
  client::CleanupResult verdict;
  std::vector<std::shared_ptr<Taken>> begun;

  std::vector<std::shared_ptr<Taken>> finished() const {
    std::vector<std::shared_ptr<Taken>> result;
    for (const auto& each : begun)
      if (each->finished) result.push_back(each);
    return result;
  }

  std::unique_ptr<smtpd::Message> begin(int flags) override {
    if (begin_fails) throw io::StreamError(io::StreamError::Kind::broken, "no cleanup");
    begun.push_back(std::make_shared<Taken>());
    begun.back()->flags = flags;
    return std::make_unique<Held>(*this, begun.back());
  }

 private:
  class Held final : public smtpd::Message {
   public:
    Held(MemorySink& sink, std::shared_ptr<Taken> taken) : sink_(sink), taken_(std::move(taken)) {}
    const std::string& queue_id() const override { return id_; }
    void append(RecordType type, std::string_view data) override {
      if (sink_.append_fails) throw io::StreamError(io::StreamError::Kind::closed, "cleanup has gone");
      taken_->records.emplace_back(type, data);
    }
    client::CleanupResult finish() override {
      append(RecordType::end, {});
      taken_->finished = sink_.verdict.status == 0;
      return sink_.verdict;
    }

   private:
    MemorySink& sink_;
    std::shared_ptr<Taken> taken_;
    std::string id_ = "ABC123";
  };
};

// Whether this is nothing but whole lines of replies.
inline bool are_replies(std::string_view said) {
  while (!said.empty()) {
    const std::size_t end = said.find("\r\n");
    if (end == std::string_view::npos || end < 4) return false;
    const std::string_view line = said.substr(0, end);
    if (line.find_first_of(std::string_view("\0\r\n", 3)) != std::string_view::npos) return false;
    if (line.find_first_not_of("0123456789") != 3 || (line[3] != ' ' && line[3] != '-')) return false;
    said.remove_prefix(end + 2);
  }
  return true;
}

// One main.cf, any number of sessions.
class World {
 public:
  explicit World(std::string_view main_cf = "") {
    auto loaded =
        config::Config::from_text(fmt::format("compatibility_level = 3.6\nmyhostname = mail.example.test\nmynetworks = "
                                              "10.0.0.0/8\nsmtpd_error_sleep_time = 0\n"
                                              "smtpd_hard_error_limit = 100000\nsmtpd_junk_command_limit = 100000\n"
                                              "smtpd_forbid_unauth_pipelining = no\n{}",
                                              main_cf),
                                  {.process_name = "smtpd", .service_name = "smtp"});
    if (!loaded) throw std::runtime_error(loaded.error().text);
    config = std::make_unique<config::Config>(std::move(*loaded));
    shared = std::make_unique<smtpd::Shared>(smtpd::Shared::Parts{.config = config.get(), .sink = &sink});
  }

  // All that the server says to all of this, before and after the client has closed. With `before`, a session can be
  // prepared.
  std::string say(std::string_view input) {
    return say(input, [](smtpd::Session&) {});
  }
  template <typename Before>
  std::string say(std::string_view input, Before before) {
    auto [ours, theirs] = io::socket_pair();
    const int room = 4 * 1024 * 1024;
    ::setsockopt(theirs.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    ::setsockopt(ours.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    if (::send(theirs.get(), input.data(), input.size(), MSG_DONTWAIT) != static_cast<ssize_t>(input.size()))
      throw std::runtime_error("more than a socket holds");
    ::shutdown(theirs.get(), SHUT_WR);
    restrictions::Client client;
    client.address = "192.0.2.7";
    {
      smtpd::Session session(*shared, io::Stream(std::move(ours), 65536), client);
      before(session);
      session.run();
    }
    std::string replies;
    char chunk[65536];
    for (ssize_t size = 0; (size = ::recv(theirs.get(), chunk, sizeof chunk, MSG_DONTWAIT)) > 0;)
      replies.append(chunk, static_cast<std::size_t>(size));
    return replies;
  }

  // The codes of the replies, without the greeting.
  std::vector<int> codes(std::string_view input) { return codes_of(say(input)); }
  static std::vector<int> codes_of(std::string_view replies) {
    std::vector<int> result;
    for (std::size_t at = 0; at + 4 <= replies.size();) {
      if (replies[at + 3] == ' ')
        result.push_back((replies[at] - '0') * 100 + (replies[at + 1] - '0') * 10 + (replies[at + 2] - '0'));
      const std::size_t end = replies.find('\n', at);
      if (end == std::string_view::npos) break;
      at = end + 1;
    }
    if (!result.empty()) result.erase(result.begin());
    return result;
  }

  std::unique_ptr<config::Config> config;
  MemorySink sink;
  std::unique_ptr<smtpd::Shared> shared;
};

}  // namespace smtpd_world
