#pragma once
// Editing a configuration file in place: readers see the old file or the new one, editors wait for each other, and
// owner, mode and a symbolic link stay as they are.

#include <functional>
#include <string>
#include <string_view>

namespace postconf {

// `change` gets the content and returns the new one; it may throw, and then nothing has happened. Throws base::Fatal.
void edit_file(const std::string& path, const std::function<std::string(std::string_view content)>& change);

// What a physical line is to the logical lines of main.cf and master.cf.
enum class LineKind { comment, start, continuation };  // empty lines count as comments
LineKind kind_of(std::string_view line);

// Calls `use` with each physical line, with its newline; the last one gets a newline when it has none.
void for_each_line(std::string_view content, const std::function<void(std::string_view line, LineKind kind)>& use);

}  // namespace postconf
