#include "tls/server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <optional>

#include "base/fd.h"
#include "base/file.h"
#include "base/root_folder.h"
#include "io/fiber.h"
#include "io/offload.h"
#include "logging/log.h"
#include "tls/context.h"
#include "tls/facts_of.h"
#include "tls/handshake.h"
#include "tls/server_names.h"
#include "tls/settings.h"
#include "tls/ssl_layer.h"

namespace tls {

namespace {

// Files are looked at no more often than this; a change is taken up when nothing has changed further since the look
// before, so that a key and its certificate are seen together.
constexpr auto kLookInterval = std::chrono::seconds(1);

struct Stamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified = 0;
  std::int64_t changed = 0;  // content, name or owner
  bool operator==(const Stamp& other) const {
    return device == other.device && inode == other.inode && size == other.size && modified == other.modified;
  }
};

std::int64_t nanoseconds(const struct timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// Nobody is writing it still, as far as can be seen at one look.
bool is_at_rest(const Stamp& stamp) {
  struct timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return nanoseconds(now) - std::max(stamp.changed, stamp.modified) >= std::chrono::nanoseconds(kLookInterval).count();
}

Stamp stamp_of(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

void warn(std::string_view text) {
  logging::warning("tls.server", "{text}", {{"text", text}});
}

}  // namespace

struct Server::State {
  State(const config::Config& config, TicketKeys* keys)
      : settings(config), tickets(keys), names(config, settings.server_names) {}

  ServerSettings settings;
  TicketKeys* tickets;
  ServerNames names;
  Context context;  // without a pointer: not available
  std::string problem;
  std::string stale;
  CipherPointer ticket_cipher;
  DigestPointer digest;

  struct Watched {
    std::string path;
    base::Fd place;  // O_PATH
    std::optional<Stamp> used = {}, seen = {};
  };
  std::vector<Watched> files;
  base::RootFolder root;  // in which the paths are their names
  io::Clock::time_point next_look{};

  void begin();
  bool take_up(std::string& why_not);
  std::optional<Stamp> look_at(const Watched& file) const;
  void look_at_files();
  std::expected<void, base::Error> shake_hands(SslLayer& layer, io::Stream& stream, Handshake& handshake) const;
  std::unexpected<base::Error> failed(const Handshake& handshake, std::string_view reason,
                                      const std::vector<std::string>& errors) const;
  void tell(const Facts& facts, const Handshake& handshake, SSL* session) const;
};

void Server::State::begin() {
  for (const std::string& warning : settings.warnings) warn(warning);
  if (settings.log_level >= 2) logging::info("tls.server", "initializing the server-side TLS engine");
  for (const std::string& file : files_of(settings)) {
    files.push_back({.path = file, .place = base::Fd(::open(file.c_str(), O_PATH | O_CLOEXEC))});
    files.back().used = files.back().seen = look_at(files.back());
  }
  next_look = io::Clock::now() + kLookInterval;
  if (!settings.mistakes.empty()) {
    problem = settings.mistakes.front().text;
    warn(settings.certificates.empty() && settings.chain_files.empty() ? problem : problem + ": disabling TLS support");
    return;
  }
  ticket_cipher = tls::ticket_cipher(settings.ticket_cipher);
  digest = tls::digest(settings.fingerprint_digest);
  if (!take_up(problem)) warn(problem + ": disabling TLS support");
}

// Makes the context anew out of the files. What was in use stays when that fails.
bool Server::State::take_up(std::string& why_not) {
  auto made = make_context(settings, tickets != nullptr);
  if (!made) {
    why_not = made.error().text;
    return false;
  }
  for (const std::string& warning : made->warnings) warn(warning);
  set_callbacks(made->pointer.get(), settings.log_level, made->tickets, !names.empty(), settings.asks_for_certificate,
                made->signs_slowly);
  SSL_CTX_set_verify_depth(made->pointer.get(), settings.verify_depth);
  context = std::move(*made);
  problem.clear();
  return true;
}

// Nothing when it cannot be looked at any more (privileges): then nothing can be noticed either. In a chroot the path
// may name something else: there the file is known by its descriptor, and has changed when it has no name any more.
std::optional<Stamp> Server::State::look_at(const Watched& file) const {
  struct stat status{};
  if (root.has_moved()) {
    if (!file.place || ::fstat(file.place.get(), &status) != 0) return std::nullopt;
    return status.st_nlink == 0 ? Stamp{} : stamp_of(status);
  }
  if (::stat(file.path.c_str(), &status) != 0) return std::nullopt;
  return stamp_of(status);
}

void Server::State::look_at_files() {
  const auto now = io::Clock::now();
  if (now < next_look || !settings.mistakes.empty()) return;
  next_look = now + kLookInterval;
  bool settled = true;
  const Watched* changed = nullptr;
  for (Watched& file : files) {
    const auto stamp = look_at(file);
    if (!stamp) continue;  // gone, or out of reach: what is in use stays
    if (stamp != file.seen && !is_at_rest(*stamp)) settled = false;
    file.seen = stamp;
    if (stamp != file.used) changed = &file;
  }
  if (changed == nullptr || !settled) return;
  const std::string path = changed->path;
  for (Watched& file : files) file.used = file.seen;
  const bool readable = !root.has_moved() && std::ranges::all_of(files, [](const Watched& file) {
    return base::open_for_reading(file.path).has_value();
  });
  if (!readable) {
    stale = path;
    return;
  }
  std::string why_not;
  if (take_up(why_not)) {
    logging::info("tls.reloaded", "{file} has changed -- using it from now on", {{"file", path}});
  } else {
    if (context.pointer == nullptr) problem = why_not;
    warn(fmt::format("{}: {}", why_not,
                     context.pointer == nullptr ? "TLS support stays disabled"
                                                : "going on with the certificates of before the change"));
  }
}

Server::Server(const config::Config& config, TicketKeys* tickets) : state_(std::make_unique<State>(config, tickets)) {
  state_->begin();
}

Server::~Server() = default;

bool Server::available() const {
  state_->look_at_files();
  return state_->context.pointer != nullptr;
}

const std::string& Server::problem() const {
  return state_->problem;
}

std::string Server::stale() const {
  state_->look_at_files();
  if (state_->stale.empty() && state_->names.has_changed()) return "tls_server_sni_maps";
  return state_->stale;
}

std::unexpected<base::Error> Server::State::failed(const Handshake& handshake, std::string_view reason,
                                                   const std::vector<std::string>& errors) const {
  logging::info("tls.accept_failed", "SSL_accept error from {client}: {reason}",
                {{"client", handshake.peer}, {"reason", reason}});
  log_errors(errors);
  return std::unexpected(
      base::Error{fmt::format("SSL_accept error from {}: {}{}", handshake.peer, reason, after_colon(errors))});
}

std::expected<void, base::Error> Server::State::shake_hands(SslLayer& layer, io::Stream& stream,
                                                            Handshake& handshake) const {
  using Progress = SslLayer::Progress;
  bool elsewhere = false;  // the step that signs with a slow key goes to another thread, when others have work
  while (true) {
    std::vector<std::string> errors;
    Progress progress{};
    const auto step = [&] {
      progress = layer.handshake();
      errors = take_errors();
    };
    if (elsewhere) {
      io::offload(step);
    } else {
      step();
    }
    elsewhere = progress == Progress::needs_certificate;
    switch (progress) {
      case Progress::done:
        return {};
      case Progress::needs_certificate:
        break;
      case Progress::needs_input:
      case Progress::needs_room:
        try {
          stream.wait_for(progress == Progress::needs_room ? io::Layer::State::needs_room
                                                           : io::Layer::State::needs_input);
        } catch (const io::StreamError&) {
          return failed(handshake, "Connection timed out", {});
        }
        break;
      case Progress::ended:
        return failed(handshake, layer.system_error() == 0 ? "lost connection" : std::strerror(layer.system_error()),
                      {});
      case Progress::failed:
        return failed(handshake, "-1", errors);
    }
  }
}

void Server::State::tell(const Facts& facts, const Handshake& handshake, SSL* session) const {
  const int level = settings.log_level;
  if (level >= 2 && facts.reused) {
    logging::info("tls.resumed", "{client}: Reusing old session (RFC 5077 session ticket)",
                  {{"client", handshake.peer}});
  }
  if (facts.has_certificate && level >= 2) {
    const X509* peer = SSL_get0_peer_certificate(session);
    logging::info("tls.certificate", "subject={subject}", {{"subject", one_line(X509_get_subject_name(peer))}});
    logging::info("tls.certificate", "issuer={issuer}", {{"issuer", one_line(X509_get_issuer_name(peer))}});
    logging::info("tls.certificate",
                  "{client}: subject_CN={subject}, issuer={issuer}, fingerprint={fingerprint}, "
                  "pkey_fingerprint={key_fingerprint}",
                  {{"client", handshake.peer},
                   {"subject", facts.subject_cn},
                   {"issuer", facts.issuer_cn},
                   {"fingerprint", facts.certificate_fingerprint},
                   {"key_fingerprint", facts.public_key_fingerprint}});
  }
  if (settings.requires_certificate && !facts.trusted && level >= 1 && !handshake.distrust.empty()) {
    logging::info("tls.untrusted", "certificate verification failed for {client}: {reason}",
                  {{"client", handshake.peer}, {"reason", handshake.distrust}});
  }
  if (level >= 1) {
    const std::string to = facts.sni.empty() ? "" : " to " + facts.sni;
    logging::info("tls.established", "{trust} TLS connection established from {client}{to}: {summary}",
                  {{"trust", trust(facts)}, {"client", handshake.peer}, {"to", to}, {"summary", summary(facts)}});
  }
}

std::expected<Facts, base::Error> Server::accept(io::Stream& stream, const Peer& peer, io::Deadline deadline) {
  State& state = *state_;
  if (!available()) return std::unexpected(base::Error{state.problem});
  const ServerSettings& settings = state.settings;
  stream.set_deadline(deadline);
  if (settings.log_level >= 2) {
    logging::info("tls.begin", "setting up TLS connection from {client}", {{"client", peer.name_and_address}});
    logging::info("tls.ciphers", "{client}: TLS cipher list \"{ciphers}\"",
                  {{"client", peer.name_and_address}, {"ciphers", settings.ciphers}});
  }
  Handshake handshake;
  handshake.peer = peer.name_and_address;
  handshake.log_level = settings.log_level;
  handshake.trusts_server_certificates = settings.trusts_server_certificates;
  handshake.verify_depth = settings.verify_depth;
  handshake.names = state.names.empty() ? nullptr : &state.names;
  handshake.ticket_cipher = state.ticket_cipher.get();
  // Slow logging belongs to the loop's thread.
  handshake.pauses_before_signing = state.context.signs_slowly && settings.log_level < 2;
  // Asking for the key may wait, and another session may take up new files meanwhile.
  if (state.context.tickets) {
    handshake.tickets = state.tickets;
    handshake.sealing = state.tickets->current();
  }
  auto layer = std::make_unique<SslLayer>(state.context.pointer.get(), stream.fd(),
                                          settings.log_level >= 4   ? SslLayer::Dumps::all
                                          : settings.log_level == 3 ? SslLayer::Dumps::handshake
                                                                    : SslLayer::Dumps::none);
  if (!handshake.sealing) {
    SSL_set_options(layer->session(), SSL_OP_NO_TICKET);
    SSL_set_num_tickets(layer->session(), 0);
  }
  struct Attached {
    SSL* session;
    Attached(SSL* its, Handshake* handshake) : session(its) { attach(session, handshake); }
    ~Attached() { attach(session, nullptr); }
  } const attached(layer->session(), &handshake);
  if (auto shaken = state.shake_hands(*layer, stream, handshake); !shaken) return std::unexpected(shaken.error());
  Facts facts = facts_of(layer->session(), state.digest.get(), settings.asks_for_certificate);
  facts.sni = handshake.matched_name;
  state.tell(facts, handshake, layer->session());
  stream.set_layer(std::move(layer));
  io::trim_stack();  // from here on the session mostly waits
  return facts;
}

}  // namespace tls
