#pragma once
// A lookup table: a key in; a value, nothing, or "could not tell" out.

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace table {

// Why a table could not answer. `text` is for the log; the mail stays: no caller may take an Error for "not found".
struct Error {
  std::string text;        // "hash:/etc/aliases: lookup error: ..."
  bool permanent = false;  // asking again will not help (socketmap PERM, a bad table)
};

using Answer = std::expected<std::optional<std::string>, Error>;
using Entry = std::pair<std::string, std::string>;

// How a table wants to be asked.
enum class KeyForm {
  fixed,    // an index of exact keys: callers try user+ext@domain, user@domain, domain, ...
  pattern,  // patterns or a remote table: callers ask once, with the whole key
};

class Table {
 public:
  virtual ~Table() = default;

  // Folds the key where the table's options say so. An empty key is never found and never asked for.
  virtual Answer lookup(std::string_view key) = 0;

  // Writers. false from remove: there was no such key. The base class answers that the operation is not supported, in
  // Postfix's words: "table <name>: <operation> operation is not supported".
  virtual std::expected<void, Error> update(std::string_view key, std::string_view value);
  virtual std::expected<bool, Error> remove(std::string_view key);

  // Calls `each` for every entry in the table's own order until it returns false. Same base answer ("sequence").
  virtual std::expected<void, Error> for_each(const std::function<bool(const Entry&)>& each);

  // Whether the file behind the table is a different one, or differs, from when it was opened. Indexed files only.
  virtual bool has_changed() const { return false; }

  // Whether lookups may block on a network or a foreign library, so that a daemon offloads or proxies them.
  virtual bool may_block() const { return false; }

  KeyForm key_form() const { return key_form_; }
  const std::string& name() const { return name_; }  // "type:argument", as it was asked for

 protected:
  Table(std::string name, KeyForm form) : name_(std::move(name)), key_form_(form) {}
  Error not_supported(std::string_view operation) const;

 private:
  std::string name_;
  KeyForm key_form_;
};

}  // namespace table
