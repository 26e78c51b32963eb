#pragma once
// A parameter as its .params file declares it, read and checked. The format is conf/parameters/README.md.

#include <cstdint>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace paramgen {

// "file:line: what is wrong"; ends the program, and the build with it.
class Mistake : public std::runtime_error {
 public:
  Mistake(const std::string& file, int line, const std::string& text);
};

enum class Type { text, boolean, integer, big_integer, time, raw };
enum class Kind { parameter, read_only, family, function, obsolete };

// A piece of documentation: a paragraph to be filled, or an example to be printed as it is.
struct Block {
  bool is_example;
  std::vector<std::string> lines;
};

struct Entry {
  std::string file;
  int line = 0;

  std::string name;  // of a family: the suffix with its underscore
  Type type = Type::text;
  Kind kind = Kind::parameter;
  std::string default_value;
  std::int64_t minimum = std::numeric_limits<std::int64_t>::min();
  std::int64_t maximum = std::numeric_limits<std::int64_t>::max();
  std::string range;  // as written, for the manual
  char unit = ' ';
  std::string area;
  std::string used_by;
  std::string since;
  std::string advice;
  std::string unserved;
  std::vector<Block> documentation;
};

using Variables = std::map<std::string, std::string, std::less<>>;

// Adds the entries of one file. Throws Mistake.
void read_params_file(const std::string& path, const Variables& variables, std::vector<Entry>& entries);

// Sorts by name; two entries of one name are a mistake.
void sort_by_name(std::vector<Entry>& entries);

}  // namespace paramgen
