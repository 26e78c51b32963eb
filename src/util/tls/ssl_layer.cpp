#include "tls/ssl_layer.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <new>

#include "base/error.h"
#include "io/stream.h"
#include "logging/log.h"

namespace tls {

namespace {

using Kind = io::StreamError::Kind;

// As `openssl s_client -debug` has it, 16 bytes a line.
void dump(std::string_view what, const void* data, std::size_t asked, ssize_t got) {
  logging::info("tls.wire", "{what} ({asked} bytes => {got})", {{"what", what}, {"asked", asked}, {"got", got}});
  const auto* bytes = static_cast<const unsigned char*>(data);
  const std::size_t size = got > 0 ? static_cast<std::size_t>(got) : 0;
  for (std::size_t at = 0; at < size; at += 16) {
    std::string hex;
    std::string text;
    for (std::size_t i = at; i < at + 16; ++i) {
      hex += i < size ? fmt::format("{:02x}{}", bytes[i], i == at + 7 ? '|' : ' ') : std::string("   ");
      if (i < size) text += bytes[i] >= ' ' && bytes[i] <= '~' ? static_cast<char>(bytes[i]) : '.';
      if (i == at + 7) text += ' ';
    }
    const std::string line = fmt::format("{:04x} {} {}", at, hex, text);
    logging::info("tls.wire", "{line}", {{"line", line}});
  }
}

}  // namespace

// The library's own socket BIO would raise SIGPIPE, and tells nothing of how much was there.
struct Wire {
  static SslLayer::Descriptor& of(BIO* bio) { return *static_cast<SslLayer::Descriptor*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* into, int size) {
    SslLayer::Descriptor& wire = of(bio);
    BIO_clear_retry_flags(bio);
    const auto asked = static_cast<std::size_t>(size);
    ssize_t got = -1;
    do {
      got = ::recv(wire.fd, into, asked, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    const int problem = errno;
    if (wire.dumps) dump(fmt::format("read from {:X}", wire.fd), into, asked, got);
    wire.emptied = got < size;
    if (got > 0) return static_cast<int>(got);
    if (got == 0) {
      wire.ended = true;
    } else if (problem == EAGAIN) {
      BIO_set_retry_read(bio);
    } else {
      wire.problem = problem;
    }
    return static_cast<int>(got);
  }

  static int write(BIO* bio, const char* bytes, int size) {
    SslLayer::Descriptor& wire = of(bio);
    BIO_clear_retry_flags(bio);
    ssize_t sent = -1;
    do {
      sent = ::send(wire.fd, bytes, static_cast<std::size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    const int problem = errno;
    if (wire.dumps) dump(fmt::format("write to {:X}", wire.fd), bytes, static_cast<std::size_t>(size), sent);
    if (sent < 0 && problem == EAGAIN) {
      BIO_set_retry_write(bio);
    } else if (sent < 0) {
      wire.problem = problem;
    }
    return static_cast<int>(sent);
  }

  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return of(bio).ended ? 1 : 0;
    return 0;
  }

  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }

  static BIO_METHOD* method() {
    static BIO_METHOD* const the_method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "descriptor of a stream");
      if (made == nullptr) throw std::bad_alloc();
      BIO_meth_set_read(made, &read);
      BIO_meth_set_write(made, &write);
      BIO_meth_set_ctrl(made, &control);
      BIO_meth_set_create(made, &create);
      return made;
    }();
    return the_method;
  }
};

SslLayer::SslLayer(SSL_CTX* context, int fd, Dumps dumps) : session_(SSL_new(context)), dumps_(dumps) {
  BIO* bio = BIO_new(Wire::method());
  if (!session_ || bio == nullptr) {
    BIO_free(bio);
    throw std::bad_alloc();
  }
  wire_.fd = fd;
  wire_.dumps = dumps != Dumps::none;
  BIO_set_data(bio, &wire_);
  SSL_set_bio(session_.get(), bio, bio);
  SSL_set_accept_state(session_.get());
}

SslLayer::~SslLayer() = default;

SslLayer::Progress SslLayer::handshake() {
  ERR_clear_error();
  wire_.problem = 0;
  const int result = SSL_do_handshake(session_.get());
  if (result == 1) {
    usable_ = true;
    wire_.dumps = dumps_ == Dumps::all;
    return Progress::done;
  }
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Progress::needs_input;
    case SSL_ERROR_WANT_WRITE:
      return Progress::needs_room;
    case SSL_ERROR_WANT_X509_LOOKUP:
      return Progress::needs_certificate;
    case SSL_ERROR_ZERO_RETURN:
      return Progress::ended;
    default:
      break;
  }
  const bool gone = wire_.ended || wire_.problem != 0;
  const unsigned long error = ERR_peek_last_error();
  if (gone && (error == 0 || ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING)) {
    ERR_clear_error();
    return Progress::ended;
  }
  return Progress::failed;
}

void SslLayer::broken(std::string_view what) {
  usable_ = false;
  const std::vector<std::string> errors = take_errors();
  log_errors(errors);
  failure_ =
      wire_.problem != 0 ? base::with_errno(what, wire_.problem) : fmt::format("{}{}", what, after_colon(errors));
  throw io::StreamError(Kind::broken, failure_);
}

// Nothing: it cannot go on; `error` tells why.
template <typename Operation>
std::optional<io::Layer::Step> SslLayer::attempt(Operation operation, int& error) {
  if (!failure_.empty()) throw io::StreamError(Kind::broken, failure_);
  ERR_clear_error();
  std::size_t size = 0;
  const int result = operation(&size);
  if (result == 1) return Step{State::done, size};
  error = SSL_get_error(session_.get(), result);
  if (error == SSL_ERROR_WANT_READ) return Step{State::needs_input};
  if (error == SSL_ERROR_WANT_WRITE) return Step{State::needs_room};
  return std::nullopt;
}

io::Layer::Step SslLayer::read(std::span<char> into) {
  int error = SSL_ERROR_NONE;
  const auto step =
      attempt([&](std::size_t* size) { return SSL_read_ex(session_.get(), into.data(), into.size(), size); }, error);
  if (step) return *step;
  if (error == SSL_ERROR_ZERO_RETURN) return {State::ended};
  broken("TLS read");
}

io::Layer::Step SslLayer::write(std::string_view bytes) {
  int error = SSL_ERROR_NONE;
  const auto step =
      attempt([&](std::size_t* size) { return SSL_write_ex(session_.get(), bytes.data(), bytes.size(), size); }, error);
  if (step) return *step;
  if (wire_.problem == EPIPE || wire_.problem == ECONNRESET) {
    usable_ = false;
    ERR_clear_error();
    failure_ = base::with_errno("TLS write", wire_.problem);
    throw io::StreamError(Kind::closed, failure_);
  }
  broken("TLS write");
}

bool SslLayer::drained() const {
  return wire_.emptied && SSL_has_pending(session_.get()) == 0;
}

void SslLayer::say_goodbye() noexcept {
  if (!usable_) return;
  usable_ = false;
  ERR_clear_error();
  SSL_shutdown(session_.get());
  ERR_clear_error();
}

}  // namespace tls
