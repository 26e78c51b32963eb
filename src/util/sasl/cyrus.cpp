// Cyrus SASL. Its handles may hold on to what a failed attempt left in them, so each attempt gets one of its own, and
// what they do may take as long as saslauthd, PAM or a database likes, so it is done on other threads.

#include <sasl/sasl.h>
#include <sasl/saslutil.h>

#include <mutex>

#include "base/text.h"
#include "io/fiber.h"
#include "io/offload.h"
#include "logging/log.h"
#include "sasl/backends.h"

namespace sasl {

namespace {

// As clients may know it: nobody is told whether it was the name or the password.
std::string text_of(int status) {
  return ::sasl_errstring(status == SASL_NOUSER ? SASL_BADAUTH : status, nullptr, nullptr);
}

// What the client may get right at another time, by itself.
bool is_temporary(int status) {
  switch (status) {
    case SASL_FAIL:
    case SASL_NOMEM:
    case SASL_BUFOVER:
    case SASL_TRYAGAIN:
    case SASL_UNAVAIL:
    case SASL_NOTINIT:
    case SASL_CONFIGERR:
      return true;
    default:
      return false;
  }
}

int log_line(void*, int level, const char* message) {
  if (message == nullptr) return SASL_OK;
  switch (level) {
    case SASL_LOG_ERR:
    case SASL_LOG_WARN:
      logging::warning("sasl.problem", "SASL authentication problem: {text}", {{"text", message}});
      break;
    case SASL_LOG_FAIL:
      logging::warning("sasl.failure", "SASL authentication failure: {text}", {{"text", message}});
      break;
    case SASL_LOG_NOTE:
      logging::debug("sasl.info", "SASL authentication info: {text}", {{"text", message}});
      break;
    case SASL_LOG_DEBUG:
    case SASL_LOG_TRACE:
      logging::debug("sasl.debug", "SASL authentication debug: {text}", {{"text", message}});
      break;
    default:  // SASL_LOG_PASS shows passwords
      break;
  }
  return SASL_OK;
}

using Callback = int (*)();
const sasl_callback_t kCallbacks[] = {
    {SASL_CB_LOG, reinterpret_cast<Callback>(reinterpret_cast<void (*)()>(log_line)), nullptr},
    {SASL_CB_LIST_END, nullptr, nullptr},
};

void* make_mutex() {
  return new std::mutex;
}
int lock_mutex(void* mutex) {
  static_cast<std::mutex*>(mutex)->lock();
  return SASL_OK;
}
int unlock_mutex(void* mutex) {
  static_cast<std::mutex*>(mutex)->unlock();
  return SASL_OK;
}
void free_mutex(void* mutex) {
  delete static_cast<std::mutex*>(mutex);
}

// "192.0.2.1;25". Empty where something is unknown: mechanisms that need it are then left out by the library.
std::string socket_address(const std::string& address, const std::string& port) {
  if (address.empty() || !base::all_digits(port) || address == "unknown") return {};
  return address + ";" + port;
}
const char* or_null(const std::string& text) {
  return text.empty() ? nullptr : text.c_str();
}

struct Dispose {
  void operator()(sasl_conn_t* handle) const { ::sasl_dispose(&handle); }
};
using Handle = std::unique_ptr<sasl_conn_t, Dispose>;

struct Made {
  Handle handle;
  int status = SASL_OK;
  std::string_view doing;
};

Made make_handle(const ServerSettings& settings, const std::string& service, const Peer& peer) {
  Made made;
  const std::string local = socket_address(peer.server_address, peer.server_port);
  const std::string remote = socket_address(peer.client_address, peer.client_port);
  sasl_conn_t* handle = nullptr;
  made.doing = "SASL per-connection server initialization";
  made.status = ::sasl_server_new(service.c_str(), settings.hostname.c_str(), or_null(settings.realm), or_null(local),
                                  or_null(remote), nullptr, 0, &handle);
  made.handle.reset(handle);
  if (made.status != SASL_OK) return made;

  const SecurityOptions& options = settings.options(peer.tls);
  sasl_security_properties_t properties{};  // no security layer: SMTP goes on in the clear, or in TLS
  const auto flag = [&](bool wanted, unsigned bit) {
    if (wanted) properties.security_flags |= bit;
  };
  flag(options.no_plaintext, SASL_SEC_NOPLAINTEXT);
  flag(options.no_active, SASL_SEC_NOACTIVE);
  flag(options.no_dictionary, SASL_SEC_NODICTIONARY);
  flag(options.no_anonymous, SASL_SEC_NOANONYMOUS);
  flag(options.forward_secrecy, SASL_SEC_FORWARD_SECRECY);
  flag(options.mutual_auth, SASL_SEC_MUTUAL_AUTH);
  made.doing = "SASL per-connection security setup";
  made.status = ::sasl_setprop(handle, SASL_SEC_PROPS, &properties);
  return made;
}

class CyrusAttempt final : public Attempt {
 public:
  CyrusAttempt(const ServerSettings& settings, io::Semaphore& places, Peer peer, std::string_view mechanism,
               std::string_view service)
      : settings_(settings), places_(places), peer_(std::move(peer)), mechanism_(mechanism), service_(service) {}

  Step start(std::optional<std::string> initial, io::Deadline deadline) override {
    return off_the_loop(deadline, [this, &initial] {
      Made made = make_handle(settings_, service_, peer_);
      if (made.status != SASL_OK) {
        logging::warning("sasl.no_handle", "{doing}: {reason}",
                         {{"doing", made.doing}, {"reason", text_of(made.status)}});
        return Step{Step::Kind::unavailable, text_of(made.status), {}};
      }
      handle_ = std::move(made.handle);
      const char* challenge = nullptr;
      unsigned size = 0;
      const int status = ::sasl_server_start(handle_.get(), mechanism_.c_str(), initial ? initial->data() : nullptr,
                                             initial ? static_cast<unsigned>(initial->size()) : 0, &challenge, &size);
      return step_after(status, challenge, size);
    });
  }

  Step go_on(std::string_view response, io::Deadline deadline) override {
    if (!handle_) return {Step::Kind::failed, text_of(SASL_BADPROT), {}};
    // The library wants a NUL behind the response.
    return off_the_loop(deadline, [this, text = std::string(response)] {
      const char* challenge = nullptr;
      unsigned size = 0;
      const int status =
          ::sasl_server_step(handle_.get(), text.c_str(), static_cast<unsigned>(text.size()), &challenge, &size);
      return step_after(status, challenge, size);
    });
  }

  std::string username_so_far() const override {
    const void* name = nullptr;
    if (!handle_ || ::sasl_getprop(handle_.get(), SASL_USERNAME, &name) != SASL_OK || name == nullptr) return {};
    return static_cast<const char*>(name);
  }

  std::string reason_for_bad_base64(std::string_view response, bool) const override {
    std::string decoded(response.size() + 1, '\0');
    unsigned size = 0;
    const int status = ::sasl_decode64(response.data(), static_cast<unsigned>(response.size()), decoded.data(),
                                       static_cast<unsigned>(decoded.size()), &size);
    return text_of(status == SASL_OK ? SASL_BADPROT : status);
  }

 private:
  template <typename Work>
  Step off_the_loop(io::Deadline deadline, Work work) {
    if (!io::in_fiber()) return work();
    if (!places_.acquire(deadline)) return {Step::Kind::unavailable, "the authentication service is busy", {}};
    const io::Permit permit(places_);
    return io::offload(work, io::Pace::slow);
  }

  Step step_after(int status, const char* challenge, unsigned size) const {
    const auto bytes = [&] { return challenge == nullptr ? std::string() : std::string(challenge, size); };
    if (status == SASL_CONTINUE) return {Step::Kind::challenge, bytes(), {}};
    if (status != SASL_OK) {
      return {is_temporary(status) ? Step::Kind::unavailable : Step::Kind::failed, text_of(status), {}};
    }
    std::string name = username_so_far();
    if (name.empty()) {
      logging::warning("sasl.no_username", "cannot look up the authenticated SASL username");
      return {Step::Kind::failed, "cannot look up the authenticated SASL username", {}};
    }
    return {Step::Kind::done, bytes(), std::move(name)};
  }

  const ServerSettings& settings_;
  io::Semaphore& places_;
  Peer peer_;
  std::string mechanism_, service_;
  Handle handle_;
};

class CyrusServer final : public Server {
 public:
  explicit CyrusServer(ServerSettings settings) : settings_(std::move(settings)) {
    ::sasl_set_mutex(make_mutex, lock_mutex, unlock_mutex, free_mutex);
    int status = ::sasl_set_path(SASL_PATH_TYPE_CONFIG, settings_.config_path.data());
    if (status != SASL_OK) {
      throw base::Fatal(fmt::format("failed to set Cyrus SASL configuration path: \"{}\": {}", settings_.config_path,
                                    text_of(status)));
    }
    status = ::sasl_server_init(kCallbacks, settings_.path.c_str());
    if (status != SASL_OK) throw base::Fatal("SASL per-process initialization failed: " + text_of(status));
    offered_[0] = list(false);
    offered_[1] = list(true);
  }
  ~CyrusServer() override { ::sasl_server_done(); }
  CyrusServer(const CyrusServer&) = delete;
  CyrusServer& operator=(const CyrusServer&) = delete;

  // The library's configuration does not change in a process, and so neither do these.
  std::expected<std::vector<std::string>, base::Error> mechanisms(const Peer& peer, io::Deadline) override {
    return offered_[peer.tls ? 1 : 0];
  }

  std::unique_ptr<Attempt> begin(const Peer& peer, std::string_view mechanism, std::string_view service) override {
    return std::make_unique<CyrusAttempt>(settings_, places_, peer, mechanism, service);
  }

 private:
  using Offered = std::expected<std::vector<std::string>, base::Error>;

  Offered list(bool tls) const {
    // Some mechanisms are there only if addresses are known, as they will be.
    const Peer peer{.client_address = "127.0.0.1",
                    .client_port = "25",
                    .server_address = "127.0.0.1",
                    .server_port = "25",
                    .client_name = {},
                    .helo = {},
                    .tls = tls};
    const Made made = make_handle(settings_, settings_.service, peer);
    if (made.status != SASL_OK) {
      return std::unexpected(base::Error{fmt::format("{}: {}", made.doing, text_of(made.status))});
    }
    const char* names = nullptr;
    int count = 0;
    const int status = ::sasl_listmech(made.handle.get(), nullptr, "", " ", "", &names, nullptr, &count);
    if (status != SASL_OK || count == 0) return std::unexpected(base::Error{"no applicable SASL mechanisms"});
    std::vector<std::string> found;
    for (const std::string_view name : base::split(names, " ")) found.emplace_back(name);
    return settings_.announced(std::move(found));
  }

  // How many threads of the process may wait for passwords to be checked: some are left for other work.
  static constexpr std::size_t kPlaces = 3;

  ServerSettings settings_;
  Offered offered_[2];
  io::Semaphore places_{kPlaces};
};

}  // namespace

std::unique_ptr<Server> make_cyrus(ServerSettings settings) {
  return std::make_unique<CyrusServer>(std::move(settings));
}

}  // namespace sasl
