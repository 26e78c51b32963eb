#pragma once
// The types of parameters. The constants themselves (param::queue_run_delay, ...) are made from conf/parameters/ by the
// build: include "config/param.h" for them.

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace config {

enum class Type : std::uint8_t {
  text,         // expanded
  boolean,      // yes or no
  integer,      // int
  big_integer,  // long, for byte counts
  time,         // with a unit
  raw,          // text that its user expands later, with values of its own
};

enum class Kind : std::uint8_t {
  parameter,
  read_only,  // process_name and its like: set by the program, never in a file
  family,     // <transport>_destination_concurrency_limit: the name in the registry is the suffix, with its underscore
  function,   // domain_to_ascii: has a manual entry, no value
  obsolete,   // still known, so that a main.cf which names it gets told what to use; `advice` says it
};

// One row of the registry. All views are to constants of the program.
struct Parameter {
  std::string_view name;
  Type type;
  Kind kind;
  std::string_view default_value;  // before expansion; "@name" alone stands for the computed default `name`
  std::int64_t minimum;            // for text: the shortest length
  std::int64_t maximum;
  char unit;  // for time: the default unit
  std::string_view area;
  std::string_view used_by;   // programs, separated by blanks
  std::string_view since;     // "3.8"; empty for the first releases
  std::string_view advice;    // for obsolete ones
  std::string_view unserved;  // what happens instead, while no program acts on it
};

// What the generated constants are: an index with the type of the value.
template <Type type>
struct Key {
  std::uint16_t index;
};
using TextKey = Key<Type::text>;
using BooleanKey = Key<Type::boolean>;
using IntegerKey = Key<Type::integer>;
using BigIntegerKey = Key<Type::big_integer>;
using TimeKey = Key<Type::time>;
using RawKey = Key<Type::raw>;

}  // namespace config
