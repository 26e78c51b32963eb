#pragma once
// What the command line asks for.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "table/open.h"
#include "table/source.h"

namespace postmap {

// In what postmap and postalias differ.
struct Dialect {
  std::string_view name;
  std::string_view letters;  // options, as getopt has them
  std::string_view usage;
  table::SourceSyntax syntax;
  std::string_view separator;  // between key and value in what is printed
};

inline constexpr Dialect kPostmap{
    "postmap", "bc:d:fFhijmnNopq:rsuUvw",
    "usage: postmap [-bfFhijmnNoprsuUvw] [-c config_dir] [-d key] [-q key] [map_type:]file...",
    table::SourceSyntax::map, "\t"};
inline constexpr Dialect kPostalias{
    "postalias", "Nc:d:fijnopq:rsuvw",
    "usage: postalias [-Nfijnoprsuvw] [-c config_dir] [-d key] [-q key] [map_type:]file...", table::SourceSyntax::alias,
    ":\t"};

enum class Mode { create, incremental, query, remove, list };

struct Request {
  const Dialect* dialect = nullptr;
  Mode mode = Mode::create;
  std::string key;  // of query and remove; "-": keys come from standard input
  std::vector<std::string> tables;
  std::string config_directory;  // empty: the default
  table::Options options;
  bool json = false;
  bool body_keys = false;  // what comes from standard input is a message
  bool header_keys = false;
  bool mime = false;
  bool force_utf8 = false;
  bool keep_root = false;
  bool inherit_mode = true;
  int verbosity = 0;

  bool reads_keys() const { return key == "-"; }
  bool reads_message() const { return body_keys || header_keys; }
};

// Throws base::Fatal with the usage, or with what does not go together.
Request parse_request(std::span<char*> arguments, const Dialect& dialect);

}  // namespace postmap
