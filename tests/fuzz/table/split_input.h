#pragma once
// The first line of the input is the key, the rest the table.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "logging/log.h"

namespace table {

struct SplitInput {
  std::string_view key;
  std::string_view text;
  logging::Capture silence;

  SplitInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const auto newline = all.find('\n');
    key = all.substr(0, newline);
    if (newline != std::string_view::npos) text = all.substr(newline + 1);
  }
};

}  // namespace table
