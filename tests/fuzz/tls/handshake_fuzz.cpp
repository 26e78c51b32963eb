// Whatever a client sends after STARTTLS, the server's side of TLS ends it or speaks TLS; nothing of it is taken for a
// line of the session unless the handshake was done. The input is parted in two: what is there at once, and what comes
// when the server has answered. Its first byte says where, and which settings are in force.

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "io/fiber.h"
#include "io/socket.h"
#include "io/stream.h"
#include "logging/log.h"
#include "tls/openssl.h"
#include "tls/server.h"

namespace {

// A key and a certificate in one file, which lives as long as the process.
class ChainFile {
 public:
  ChainFile() {
    std::string path = (std::filesystem::temp_directory_path() / "fuzz-chain-XXXXXX").string();
    const int fd = ::mkstemp(path.data());
    if (fd < 0) std::abort();
    path_ = path;
    const tls::KeyPointer key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    const tls::CertificatePointer certificate(X509_new());
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 30L * 24 * 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    FILE* file = ::fdopen(fd, "w");
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    PEM_write_X509(file, certificate.get());
    std::fclose(file);
  }
  ~ChainFile() { ::unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Keys : public tls::TicketKeys {
 public:
  std::optional<tls::TicketKey> current() override { return key(); }
  std::optional<tls::TicketKey> named(std::span<const std::uint8_t, 16> name) override {
    if (name[0] > 1) return std::nullopt;
    return key();
  }

 private:
  static tls::TicketKey key() {
    tls::TicketKey key;
    key.cipher.fill(1);
    key.hmac.fill(2);
    key.expires = std::time(nullptr) + 1000;
    return key;
  }
};

config::Config configuration(const std::string& more) {
  static const ChainFile file;
  return std::move(*config::Config::from_text("smtpd_tls_security_level = may\nsmtpd_tls_chain_files = " + file.path() +
                                              "\n" + more));
}

struct Servers {
  Keys keys;
  config::Config plain = configuration("");
  config::Config asking =
      configuration("smtpd_tls_ask_ccert = yes\ntls_server_sni_maps = inline:{ {.example = " +
                    std::string(plain.settings().find("smtpd_tls_chain_files")->second.value) + "} }\n");
  config::Config old = configuration("smtpd_tls_protocols = <=TLSv1.2\n");
  config::Config telling = configuration("smtpd_tls_loglevel = 4\n");  // each byte, so it is slow
  tls::Server servers[4] = {{plain, &keys}, {asking, &keys}, {old, nullptr}, {telling, &keys}};

  tls::Server& of(std::uint8_t choice) { return servers[choice % 16 == 15 ? 3 : choice % 3]; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const logging::Capture quiet;
  static Servers* const all = new Servers;
  if (size < 2) return 0;
  tls::Server& server = all->of(data[0]);
  if (!server.available()) std::abort();
  const std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::size_t first = std::min<std::size_t>(input.size(), std::size_t{data[0]} * 8);
  // One for all inputs, with the stacks of two fibers and the thread for slow keys: to make those anew would be most of
  // the work.
  static io::Loop loop(io::Loop::Options{.pooled_stacks = 2});
  loop.spawn("server", [&] {
    io::Pair pair = io::socket_pair();
    io::Stream client(std::move(pair.second));
    client.set_deadline(io::Deadline::after(std::chrono::seconds(5)));
    io::spawn("client", [&client, input, first] {
      try {
        client.write(input.substr(0, first));
        client.flush();
        for (int turn = 0; turn < 5; ++turn) io::yield();  // the server answers meanwhile, if it can
        client.write(input.substr(first));
        client.flush();
        ::shutdown(client.fd(), SHUT_WR);
        while (!client.read_some().empty()) {
        }
      } catch (const io::StreamError&) {
        // The server has closed.
      }
    });
    {
      io::Stream stream(std::move(pair.first));
      const auto facts = server.accept(stream, {"fuzz[192.0.2.1]"}, io::Deadline::after(std::chrono::seconds(5)));
      try {
        if (facts) {
          while (stream.read_line_or_end(1000)) {
          }
        }
      } catch (const io::StreamError&) {
        // What it sent was no line, or no TLS any more.
      }
    }
    while (io::Loop::current()->fibers() > 1) io::yield();
  });
  loop.run();
  return 0;
}
