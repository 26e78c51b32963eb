#pragma once
// Inside the library: hosts(5).

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace dns {

class Hosts {
 public:
  Hosts() = default;
  // Lines that make no sense are left out.
  explicit Hosts(std::string_view text);

  // In the order of the file, without doubles; empty when the file does not have the name.
  const std::vector<std::string>& addresses_of(std::string_view name) const;
  // The first name on the first line of the address; empty when the file does not have it.
  const std::string& name_of(std::string_view address) const;

 private:
  std::unordered_map<std::string, std::vector<std::string>> addresses_;  // by name in lower case
  std::unordered_map<std::string, std::string> names_;                   // by address as inet_ntop writes it
};

// As inet_ntop writes it; empty for what is no address.
std::string canonical_address(std::string_view text);

}  // namespace dns
