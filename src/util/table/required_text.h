#pragma once
// Inside the library: what text an expression cannot match without, found by reading the expression. It is for skipping
// expressions fast: when in doubt it is empty, and a wrong answer would be a wrong look-up.

#include <string>
#include <string_view>
#include <vector>

namespace table {

// Each match contains at least one of these, ASCII letters in lower case, when the match is lowered too. Empty: not
// known.
using RequiredText = std::vector<std::string>;

enum class ExpressionSyntax { posix_extended, perl };

RequiredText required_text(std::string_view expression, ExpressionSyntax syntax);

}  // namespace table
