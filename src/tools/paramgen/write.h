#pragma once
// What is made of the entries, which are in the order of names.

#include <string>
#include <vector>

#include "entry.h"

namespace paramgen {

std::string constants_header(const std::vector<Entry>& entries);
std::string registry_table(const std::vector<Entry>& entries);
std::string manual_page(const std::vector<Entry>& entries);

}  // namespace paramgen
