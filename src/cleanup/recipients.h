#pragma once
// From a recipient that came in to the recipients that are written: rewriting, virtual aliases, automatic copies,
// duplicates left out. Each is written as it comes; what is remembered is bounded by duplicate_filter_limit.

#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "cleanup/transaction.h"

namespace cleanup {

class Recipients {
 public:
  explicit Recipients(Transaction& message) : message_(message) {}

  // What goes before a recipient and is used up by it.
  void notify(std::string_view text, std::string_view as_written);
  void dsn_original(std::string_view address);
  void original(std::string_view address);

  void take(std::string_view address);
  void drop();  // a recipient that is done or canceled: what went before it is used up, too

  // sender_bcc_maps and always_bcc; recipient_bcc_maps are looked at by take().
  void copy_for_sender();
  void copy_always();

  bool any() const { return any_; }  // at least one came in, copies aside

 private:
  struct Group {
    int notify = 0;
    std::string dsn_original;
    std::string original;
  };
  void copy_to(std::string_view address);
  void copy_by(const routing::AddressMap& map, std::string_view parameter, std::string_view key);
  void expand(const Group& group, const std::string& address);
  Group told_of_expansion(const Group& group, const std::string& address);
  void write(const Group& group, std::string_view address);
  bool is_new(const Group& group, std::string_view address);

  Transaction& message_;
  bool any_ = false;
  int notify_ = 0;
  std::optional<std::string> dsn_original_;
  std::optional<std::string> original_;
  std::unordered_set<std::string> seen_;
};

}  // namespace cleanup
