// Dovecot's auth service. One connection serves all sessions of the process; it is kept, and made anew when it was
// lost.

#include <algorithm>

#include "logging/log.h"
#include "sasl/backends.h"
#include "sasl/dovecot_connection.h"

namespace sasl {

namespace {

using namespace std::chrono_literals;
using dovecot::Connection;
using dovecot::Line;

constexpr auto kAnswerTime = 10s;  // for Dovecot's part of a step, however long the session has
constexpr auto kPauseAfterFailure = 1s;
constexpr auto kBetweenWarnings = 10s;

// Dovecot ends a connection on which too long a line came. Who sends much gets a connection of his own, so that he can
// disturb nobody else.
constexpr std::size_t kLongestSharedLine = 4096;

constexpr std::string_view kLost = "Connection lost to authentication server";
constexpr std::string_view kUnreachable = "Can't connect to authentication server";
constexpr std::string_view kUnknownMechanism = "Invalid authentication mechanism";
constexpr std::string_view kBackendError = "Authentication backend error";

class DovecotServer final : public Server {
 public:
  explicit DovecotServer(ServerSettings settings);
  ~DovecotServer() override {
    if (connection_) connection_->lose();
  }
  DovecotServer(const DovecotServer&) = delete;
  DovecotServer& operator=(const DovecotServer&) = delete;

  std::expected<std::vector<std::string>, base::Error> mechanisms(const Peer& peer, io::Deadline deadline) override;
  std::unique_ptr<Attempt> begin(const Peer& peer, std::string_view mechanism, std::string_view service) override;

  // The kept connection, or a new one. Null: there is none to be had now (warned of).
  std::shared_ptr<Connection> connection(io::Deadline deadline);
  std::shared_ptr<Connection> own_connection(io::Deadline deadline);
  bool knows(std::string_view mechanism, bool tls) const;

 private:
  std::shared_ptr<Connection> connect(io::Deadline deadline);

  ServerSettings settings_;
  io::Endpoint endpoint_;
  std::shared_ptr<Connection> connection_;
  std::vector<dovecot::Mechanism> known_;  // of the last connection
  io::Semaphore turn_{1};                  // to connect
  io::Clock::time_point not_before_{}, last_warning_{};
};

class DovecotAttempt final : public Attempt {
 public:
  DovecotAttempt(DovecotServer& server, Peer peer, std::string_view mechanism, std::string_view service)
      : server_(server), peer_(std::move(peer)), mechanism_(mechanism), service_(service) {}
  ~DovecotAttempt() override {
    if (connection_ && under_way_) connection_->cancel(id_);
    if (connection_ && own_) connection_->lose();
  }
  DovecotAttempt(const DovecotAttempt&) = delete;
  DovecotAttempt& operator=(const DovecotAttempt&) = delete;

  Step start(std::optional<std::string> initial, io::Deadline deadline) override;
  Step go_on(std::string_view response, io::Deadline deadline) override;
  std::string username_so_far() const override { return username_; }
  std::string reason_for_bad_base64(std::string_view, bool initial) const override {
    return initial ? "Invalid base64 data in initial response" : "Invalid base64 data in continued response";
  }

 private:
  Step step_after(std::optional<Line> answer);

  DovecotServer& server_;
  Peer peer_;
  std::string mechanism_, service_;
  std::shared_ptr<Connection> connection_;
  unsigned id_ = 0;
  bool under_way_ = false;  // Dovecot waits for us
  bool own_ = false;
  std::string username_;
};

Attempt::Step DovecotAttempt::start(std::optional<std::string> initial, io::Deadline deadline) {
  deadline = deadline.or_earlier(io::Deadline::after(kAnswerTime));
  own_ = initial && initial->size() > kLongestSharedLine / 2;
  connection_ = own_ ? server_.own_connection(deadline) : server_.connection(deadline);
  if (!connection_) return {Step::Kind::unavailable, std::string(kUnreachable), {}};
  if (!server_.knows(mechanism_, peer_.tls)) return {Step::Kind::failed, std::string(kUnknownMechanism), {}};
  id_ = connection_->new_id();
  const dovecot::Request request{id_,       mechanism_, service_, peer_.server_address, peer_.client_address,
                                 peer_.tls, &initial};
  return step_after(connection_->ask(id_, dovecot::request_line(request), deadline));
}

Attempt::Step DovecotAttempt::go_on(std::string_view response, io::Deadline deadline) {
  if (!under_way_) return {Step::Kind::failed, std::string(kBackendError), {}};
  const std::string line = dovecot::response_line(id_, response);
  if (line.size() > kLongestSharedLine * 4 || (line.size() > kLongestSharedLine && !own_)) {
    return {Step::Kind::failed, "Too long a response", {}};
  }
  deadline = deadline.or_earlier(io::Deadline::after(kAnswerTime));
  return step_after(connection_->ask(id_, line, deadline));
}

Attempt::Step DovecotAttempt::step_after(std::optional<Line> answer) {
  under_way_ = false;
  if (!answer) {
    under_way_ = true;  // unless the connection is gone, it is told that nobody waits any more
    return {Step::Kind::unavailable, std::string(kLost), {}};
  }
  if (!answer->user.empty()) username_ = answer->user;
  switch (answer->kind) {
    case Line::Kind::challenge:
      under_way_ = true;
      if (answer->data) return {Step::Kind::challenge, *answer->data, {}};
      logging::warning("sasl.dovecot_bad_challenge", "missing Dovecot server CONT reply field");
      return {Step::Kind::failed, std::string(kBackendError), {}};
    case Line::Kind::ok:
      if (!username_.empty()) return {Step::Kind::done, {}, username_};
      logging::warning("sasl.dovecot_no_username", "missing Dovecot server OK username field");
      return {Step::Kind::failed, std::string(kBackendError), {}};
    case Line::Kind::fail:
      if (answer->temporary) return {Step::Kind::unavailable, answer->reason, {}};
      return {Step::Kind::failed, answer->reason, {}};
    case Line::Kind::version:
    case Line::Kind::mechanism:
    case Line::Kind::server_id:
    case Line::Kind::done:
    case Line::Kind::other:
    case Line::Kind::malformed:
      break;
  }
  return {Step::Kind::failed, std::string(kBackendError), {}};
}

DovecotServer::DovecotServer(ServerSettings settings) : settings_(std::move(settings)) {
  auto endpoint = io::parse_endpoint(settings_.path, "unix");
  if (!endpoint) throw base::Fatal("smtpd_sasl_path: " + endpoint.error().text);
  endpoint_ = std::move(*endpoint);
}

std::shared_ptr<Connection> DovecotServer::connect(io::Deadline deadline) {
  auto made = Connection::make(endpoint_, settings_.path, deadline);
  const auto now = io::Clock::now();
  if (made) {
    known_ = (*made)->mechanisms();
    return std::move(*made);
  }
  not_before_ = now + kPauseAfterFailure;
  if (last_warning_ == io::Clock::time_point{} || now >= last_warning_ + kBetweenWarnings) {
    last_warning_ = now;
    logging::warning("sasl.dovecot_unreachable", "{reason}", {{"reason", made.error().text}});
  }
  return nullptr;
}

std::shared_ptr<Connection> DovecotServer::connection(io::Deadline deadline) {
  if (connection_ && connection_->usable()) return connection_;
  if (io::Clock::now() < not_before_ || !turn_.acquire(deadline)) return nullptr;
  const io::Permit permit(turn_);
  if (connection_ && connection_->usable()) return connection_;  // another one was faster
  if (io::Clock::now() < not_before_) return nullptr;
  connection_ = connect(deadline);
  return connection_;
}

std::shared_ptr<Connection> DovecotServer::own_connection(io::Deadline deadline) {
  if (io::Clock::now() < not_before_ || !turn_.acquire(deadline)) return nullptr;
  const io::Permit permit(turn_);
  return connect(deadline);
}

bool DovecotServer::knows(std::string_view mechanism, bool tls) const {
  return std::ranges::any_of(known_, [&](const dovecot::Mechanism& known) {
    return known.name == mechanism && dovecot::allowed(known, settings_.options(tls));
  });
}

std::expected<std::vector<std::string>, base::Error> DovecotServer::mechanisms(const Peer& peer,
                                                                               io::Deadline deadline) {
  // While the service is away, clients are told what they were told before: "try again" is the right answer to their
  // AUTH, and they would take a missing AUTH for good.
  const bool connected = connection(deadline.or_earlier(io::Deadline::after(kAnswerTime))) != nullptr;
  if (!connected && known_.empty()) return std::unexpected(base::Error{std::string(kUnreachable)});
  std::vector<std::string> names;
  for (const auto& mechanism : known_) {
    if (dovecot::allowed(mechanism, settings_.options(peer.tls))) names.push_back(mechanism.name);
  }
  if (names.empty()) return std::unexpected(base::Error{"no SASL authentication mechanisms"});
  return settings_.announced(std::move(names));
}

std::unique_ptr<Attempt> DovecotServer::begin(const Peer& peer, std::string_view mechanism, std::string_view service) {
  return std::make_unique<DovecotAttempt>(*this, peer, mechanism, service);
}

}  // namespace

std::unique_ptr<Server> make_dovecot(ServerSettings settings) {
  return std::make_unique<DovecotServer>(std::move(settings));
}

}  // namespace sasl
