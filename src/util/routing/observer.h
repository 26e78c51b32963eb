#pragma once
// Decisions told step by step, for those who ask why. Nobody has to listen.

#include <string>
#include <string_view>

namespace routing {

class Observer {
 public:
  virtual ~Observer() = default;
  // An address changed its form: "append_at_myorigin", "x", "x@example.com".
  virtual void rewrote(std::string_view rule, std::string_view before, std::string_view after) = 0;
  // A table was asked. `result` is null when it did not have the key.
  virtual void looked_up(std::string_view parameter, std::string_view key, const std::string* result) = 0;
  // A decision: "address class", "virtual mailbox", "virtual_mailbox_domains". `because` is the parameter that decided,
  // or a few words where none did. Of several about the same thing the last one counts.
  virtual void decided(std::string_view what, std::string_view verdict, std::string_view because) = 0;
  // Told before looked_up() when there is a result: which of the parameter's tables has it ("hash:/etc/aliases").
  virtual void found_in(std::string_view /*table*/) {}
  // A list of patterns was asked: "mydestination", "example.com".
  virtual void listed(std::string_view /*parameter*/, std::string_view /*what*/, bool /*is_listed*/) {}
};

}  // namespace routing
