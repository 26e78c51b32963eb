#pragma once
// Inside the library: what text an expression cannot match without, found by reading the expression. It is for skipping
// expressions fast: when in doubt it is empty, and a wrong answer would be a wrong look-up.

#include <string>
#include <string_view>
#include <vector>

namespace table {

// Each match contains one of these at least, ASCII letters in lower case, when the match is lowered too.
using Alternatives = std::vector<std::string>;
// Each match contains one of each element. None: nothing is known.
using RequiredText = std::vector<Alternatives>;

enum class ExpressionSyntax { posix_extended, perl };

RequiredText required_text(std::string_view expression, ExpressionSyntax syntax);

}  // namespace table
