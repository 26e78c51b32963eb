#include "postconf/lists.h"

#include <dlfcn.h>
#include <openssl/opensslv.h>

#include <array>
#include <memory>

#include "base/error.h"
#include "config/table_types.h"
#include "sasl/server.h"

namespace postconf {

namespace {

class CryptoLibrary {
 public:
  CryptoLibrary() : handle_(::dlopen(kName, RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) throw base::Fatal(fmt::format("load {}: {}", kName, ::dlerror()));
  }
  CryptoLibrary(const CryptoLibrary&) = delete;
  CryptoLibrary& operator=(const CryptoLibrary&) = delete;
  ~CryptoLibrary() { ::dlclose(handle_); }

  std::string version() const {
    using Version = const char*(int what);
    return function<Version>("OpenSSL_version")(0);
  }
  bool has_key_type(std::string_view pem_name) const {
    using Find = const void*(void** engine, const char* name, int length);
    return function<Find>("EVP_PKEY_asn1_find_str")(nullptr, pem_name.data(), static_cast<int>(pem_name.size())) !=
           nullptr;
  }

 private:
  static constexpr const char* kName = "libcrypto.so.3";

  template <class Signature>
  Signature* function(const char* name) const {
    void* found = ::dlsym(handle_, name);
    if (found == nullptr) throw base::Fatal(fmt::format("load {}: {}", kName, ::dlerror()));
    return reinterpret_cast<Signature*>(found);
  }

  void* handle_;
};

}  // namespace

std::string server_sasl_types() {
  std::string text;
  for (const std::string_view type : sasl::server_types()) text += fmt::format("{}\n", type);
  return text;
}

std::string client_sasl_types() {
  return "cyrus\n";
}

std::string lock_methods() {
  return "flock\nfcntl\ndotlock\n";
}

std::string table_types() {
  std::string text;
  for (const std::string_view name : config::kTableTypes) text.append(name).append(1, '\n');
  return text;
}

std::optional<std::string> tls_text(std::string_view mode) {
  if (mode == "compile-version") return OPENSSL_VERSION_TEXT "\n";
  if (mode == "run-version") return CryptoLibrary().version() + '\n';
  if (mode != "public-key-algorithms") return std::nullopt;
  struct KeyType {
    std::string_view name;
    std::string_view pem_name;
  };
  constexpr std::array kSignatureKeys = {KeyType{"dsa", "DSA"}, KeyType{"ecdsa", "EC"}, KeyType{"rsa", "RSA"}};
  const CryptoLibrary library;
  std::string text;
  for (const KeyType& type : kSignatureKeys) {
    if (library.has_key_type(type.pem_name)) text.append(type.name).append(1, '\n');
  }
  return text;
}

}  // namespace postconf
