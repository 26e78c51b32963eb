#pragma once
// TLS as a layer of a stream: one session over one descriptor.

#include <optional>
#include <string>

#include "io/layer.h"
#include "tls/openssl.h"

namespace tls {

class SslLayer : public io::Layer {
 public:
  // `dumps`: the bytes on the wire go to the log (log levels 3 and 4).
  enum class Dumps { none, handshake, all };
  SslLayer(SSL_CTX* context, int fd, Dumps dumps);
  ~SslLayer() override;
  SslLayer(const SslLayer&) = delete;
  SslLayer& operator=(const SslLayer&) = delete;

  SSL* session() const { return session_.get(); }

  enum class Progress { done, needs_input, needs_room, needs_certificate, failed, ended };
  // One step of the server's side. `needs_certificate` is where the certificate callback said so. After `failed` the
  // library's errors are still in its queue.
  Progress handshake();
  int system_error() const { return wire_.problem; }  // of the last step that `failed` or `ended`; 0: none

  Step read(std::span<char> into) override;
  Step write(std::string_view bytes) override;
  bool drained() const override;
  void say_goodbye() noexcept override;

 private:
  friend struct Wire;
  // What the library reads and writes by.
  struct Descriptor {
    int fd = -1;
    int problem = 0;       // errno of the last failure
    bool ended = false;    // the peer has closed its side
    bool emptied = false;  // the last read took all that was there
    bool dumps = false;
  };
  template <typename Operation>
  std::optional<Step> attempt(Operation operation, int& error);
  [[noreturn]] void broken(std::string_view what);

  Descriptor wire_;
  SslPointer session_;
  Dumps dumps_;
  bool usable_ = false;  // the handshake is done and nothing has failed since
  std::string failure_;  // the text of what has failed
};

}  // namespace tls
