#pragma once
// Postfix's own form of attribute lists: name NUL value NUL ..., ended by an empty name. Spoken by public/showq, which
// exporters read, and by `postdrop -r`, whose callers may be older than we are.

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "io/stream.h"

namespace ipc {

using Attribute = std::pair<std::string, std::string>;
using Attributes = std::vector<Attribute>;

// Values with a NUL byte are cut there: the form cannot hold more.
void append_attribute(std::string& to, std::string_view name, std::string_view value);
void append_attribute(std::string& to, std::string_view name, long value);
void append_end(std::string& to);
std::string encode_attributes(const Attributes& attributes);

// One list; at most `most` bytes. Throws io::StreamError. An empty list is how showq says "no more".
Attributes read_attributes(io::Stream& stream, std::size_t most = 1024 * 1024);
std::string_view value_of(const Attributes& attributes, std::string_view name);  // empty when absent

}  // namespace ipc
