#include "tls/openssl.h"

#include <fmt/format.h>

#include <array>

#include "logging/log.h"

namespace tls {

std::vector<std::string> take_errors() {
  std::vector<std::string> errors;
  const char* file = nullptr;
  const char* function = nullptr;
  const char* data = nullptr;
  int line = 0;
  int flags = 0;
  while (const unsigned long code = ERR_get_error_all(&file, &line, &function, &data, &flags)) {
    std::array<char, 256> text{};
    ERR_error_string_n(code, text.data(), text.size());
    const bool has_data = (flags & ERR_TXT_STRING) != 0 && data != nullptr && *data != '\0';
    errors.push_back(fmt::format("{}:{}:{}:{}{}", text.data(), file == nullptr ? "" : file, line, has_data ? data : "",
                                 has_data ? ":" : ""));
  }
  return errors;
}

void log_errors(const std::vector<std::string>& errors) {
  for (const std::string& error : errors) {
    logging::warning("tls.library_problem", "TLS library problem: {problem}", {{"problem", error}});
  }
}

void log_errors() {
  log_errors(take_errors());
}

std::string after_colon(const std::vector<std::string>& errors) {
  return errors.empty() ? "" : fmt::format(": {}", fmt::join(errors, "; "));
}

bool set_groups(SSL_CTX* context, std::string names) {
  return SSL_CTX_set1_groups_list(context, names.data()) == 1;
}

BioPointer reading(std::string_view text) {
  return BioPointer(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace tls
