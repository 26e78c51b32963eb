#pragma once
// Inside the library: the table types and how each is opened. A new type is a file of its own, a line here and a row in
// open.cpp.

#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "table/open.h"
#include "table/table.h"

namespace table {

using Opened = std::expected<std::unique_ptr<Table>, Error>;

// `argument` is what stands after "type:", never empty. Options::utf8 is off already when Settings::smtputf8 is.
using Opener = Opened (*)(const std::string& argument, const Settings& settings, const Options& options);

struct Type {
  std::string_view name;
  Opener open;
  bool buildable;  // has a file that build() can make
};

std::span<const Type> all_types();  // in the order of names
const Type* find_type(std::string_view name);

Opened open_btree(const std::string& argument, const Settings& settings, const Options& options);
Opened open_cdb(const std::string& argument, const Settings& settings, const Options& options);
Opened open_cidr(const std::string& argument, const Settings& settings, const Options& options);
Opened open_debug(const std::string& argument, const Settings& settings, const Options& options);
Opened open_environ(const std::string& argument, const Settings& settings, const Options& options);
Opened open_fail(const std::string& argument, const Settings& settings, const Options& options);
Opened open_hash(const std::string& argument, const Settings& settings, const Options& options);
Opened open_inline(const std::string& argument, const Settings& settings, const Options& options);
Opened open_internal(const std::string& argument, const Settings& settings, const Options& options);
Opened open_lmdb(const std::string& argument, const Settings& settings, const Options& options);
Opened open_pcre(const std::string& argument, const Settings& settings, const Options& options);
Opened open_pipemap(const std::string& argument, const Settings& settings, const Options& options);
Opened open_randmap(const std::string& argument, const Settings& settings, const Options& options);
Opened open_regexp(const std::string& argument, const Settings& settings, const Options& options);
Opened open_socketmap(const std::string& argument, const Settings& settings, const Options& options);
Opened open_static(const std::string& argument, const Settings& settings, const Options& options);
Opened open_tcp(const std::string& argument, const Settings& settings, const Options& options);
Opened open_texthash(const std::string& argument, const Settings& settings, const Options& options);
Opened open_unionmap(const std::string& argument, const Settings& settings, const Options& options);
Opened open_unix(const std::string& argument, const Settings& settings, const Options& options);

// The error of opening for more than reading, where the type knows only that.
Error read_only(std::string_view name);

// The error of a look-up, in the words that all types share: "table hash:x: query error: <why>".
Error query_error(std::string_view table, std::string_view why, bool permanent = false);

}  // namespace table
