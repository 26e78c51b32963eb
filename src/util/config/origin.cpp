#include "config/origin.h"

namespace config {

std::string Origin::text() const {
  return line > 0 ? file + ", line " + std::to_string(line) : file;
}

}  // namespace config
