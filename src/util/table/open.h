#pragma once
// Opens tables by name: "hash:/etc/aliases", "regexp:{{/^a/ b}}", "unionmap:{static:a,inline:{k=v}}". "proxy:" in front
// of a name counts only for what a chroot does not have: see proxied.h.

#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time_units.h"
#include "table/table.h"

namespace config {
class Config;
}

namespace table {

class Pool;

// What the table types need of main.cf, taken once. Its defaults are those of an empty main.cf.
struct Settings {
  long berkeley_db_create_buffer = 16777216;
  long berkeley_db_read_buffer = 131072;
  long lmdb_map_size = 16777216;
  long socketmap_max_reply = 100000;
  long socketmap_max_query = 10000;
  base::Seconds network_timeout{100};
  bool smtputf8 = true;
  std::string default_type = "hash";                   // default_database_type: for a name without "type:"
  std::string queue_directory = "/var/spool/postfix";  // for relative unix: socket names
  std::string proxymap_service = "proxymap";           // proxymap_service_name

  std::shared_ptr<Pool> pool = {};  // pool.h; null: each list opens its tables for itself

  static Settings from(const config::Config& config);
  bool operator==(const Settings&) const = default;
};

enum class Access {
  read,
  read_write,  // update and remove, in place
};

enum class Folding { key, none };              // postmap -f turns folding off
enum class NulForm { either, never, always };  // whether keys and values carry a NUL byte; postmap -n and -N

struct Options {
  Access access = Access::read;
  Folding folding = Folding::key;
  NulForm nul = NulForm::either;
  bool utf8 = true;  // keys and values must be UTF-8 and fold as Unicode; only when Settings::smtputf8 too
  bool replace_duplicates = false;  // update() of a key that exists: replace; otherwise warn and keep the old one
  bool ignore_duplicates = false;   // ... keep the old one silently
  bool lock_lookups = true;         // shared lock around each look-up of an indexed file
  bool allow_substitution = true;   // regexp and pcre results may use $1; off for security-sensitive users
  bool values_are_files = false;  // postmap -F: a value is a list of file names, what is stored their content in base64

  bool operator==(const Options&) const = default;
};

// Errors are in Postfix's words, without "fatal: ": unsupported dictionary type: x; open database x.db: No such file or
// ...
std::expected<std::unique_ptr<Table>, Error> open(std::string_view name, const Settings& settings,
                                                  const Options& options = {});

// The names of all types, sorted: what postconf -m prints.
std::vector<std::string_view> types();
bool is_type(std::string_view name);

struct TypeAndName {
  std::string_view type;
  std::string_view name;
};
// At the first ':'; the type is settings.default_type when there is none.
TypeAndName split_name(std::string_view name, const Settings& settings);

}  // namespace table
