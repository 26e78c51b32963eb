#include "config/expand.h"

namespace {

// The values that the examples refer to.
std::optional<std::string_view> lookup(std::string_view name) {
  static const std::map<std::string, std::string, std::less<>> values{
      {"e", ""},         {"e2", "$e"},  {"f", "foo"},    {"g", "<$f>"},     {"n9", "9"},     {"n10", "10"},
      {"loop", "$loop"}, {"l1", "$l2"}, {"l2", "${l1}"}, {"dollar", "$$f"}, {"level", "3.6"}};
  const auto found = values.find(name);
  if (found == values.end()) return std::nullopt;
  return found->second;
}

std::string expanded(std::string_view text) {
  const auto result = config::expand(text, lookup);
  return result ? *result : "ERROR " + result.error().text;
}

struct Example {
  std::string_view text;
  std::string_view result;
};

class Expand : public testing::TestWithParam<Example> {};
TEST_P(Expand, IsWhatPostconfSays) {
  EXPECT_EQ(expanded(GetParam().text), GetParam().result) << GetParam().text;
}

// Each result is what `postconf -x` of Postfix 3.7 prints.
INSTANTIATE_TEST_SUITE_P(Names, Expand,
                         testing::Values(Example{"$f", "foo"}, Example{"${f}", "foo"}, Example{"$(f)", "foo"},
                                         Example{"${ f }", "foo"}, Example{"$( f )", "foo"}, Example{"${\tf\t}", "foo"},
                                         Example{"${f }x", "foox"}, Example{"$f.x", "foo.x"}, Example{"$f-x", "foo-x"},
                                         Example{"$f_x", ""}, Example{"$nosuch", ""}, Example{"$f$g", "foo<foo>"},
                                         Example{"${ }", ""}, Example{"$1", ""}, Example{"$f}", "foo}"},
                                         Example{"{$f}", "{foo}"}, Example{"a{b", "a{b"}, Example{"$$", "$"},
                                         Example{"$$f", "$f"}, Example{"$$$f", "$foo"}, Example{"$dollar", "$f"}));

INSTANTIATE_TEST_SUITE_P(
    Conditions, Expand,
    testing::Values(Example{"a${e?x}b", "ab"}, Example{"a${f?x}b", "axb"}, Example{"${f:x}", ""},
                    Example{"${e:x}", "x"}, Example{"${e:{x}}", "x"}, Example{"${f?{x}}", "x"},
                    Example{"${f? {x} }", "x"}, Example{"[${f?}]", "[]"}, Example{"[${e:}]", "[]"},
                    Example{"${nosuch:x}", "x"}, Example{"${nosuch?x}", ""}, Example{"${e?{x}:{y}}", "y"},
                    Example{"${f?{x}:{y}}", "x"}, Example{"${f?{x}:y}", "x"}, Example{"${e?{x}:y}", "y"},
                    Example{"${e?x:y}", ""}, Example{"${f?x:y}", "x:y"}, Example{"${f ? {x} : {y}}", "x"},
                    Example{"${ f ?{x}:{y} }", "x"}, Example{"[${f? x }]", "[ x ]"}, Example{"[${f ? x }]", "[ x ]"},
                    Example{"[${f?{ x }}]", "[ x ]"}, Example{"[${f ?{x}}]", "[x]"}, Example{"$(f?x)", "x"},
                    Example{"$(f?{x}:{y})", "x"}, Example{"${f?$(g)}", "<foo>"}, Example{"${f?{${g}}:{}}", "<foo>"},
                    Example{"${e?{${g}}:{<${g}>}}", "<<foo>>"}, Example{"${f?{a{b}c}:{d}}", "a{b}c"},
                    Example{"${f?a{b}c}", "a{b}c"}, Example{"${f?{$$x}}", "$x"}, Example{"$(f?a{b)c)", "a{bc)"},
                    Example{"${f??x}", "?x"}, Example{"${e::x}", ":x"}, Example{"${f?x}y}", "xy}"},
                    Example{"[${e ? {x} }]", "[]"}));

// The test is about the value as it is written, and the branch not taken is not looked at.
INSTANTIATE_TEST_SUITE_P(UnexpandedTests, Expand,
                         testing::Values(Example{"${e2?x}", "x"}, Example{"${e2:x}", ""}, Example{"${loop?x}", "x"},
                                         Example{"${f?{x}:{$loop}}", "x"}));

INSTANTIATE_TEST_SUITE_P(
    Comparisons, Expand,
    testing::Values(Example{"${{a} == {a}}", "true"}, Example{"${{a} == {b}}", ""}, Example{"${{a}=={b}?{x}:{y}}", "y"},
                    Example{"${{a} != {b} ? {x} : {y}}", "x"}, Example{"${{$n9} < {$n10} ? {x} : {y}}", "x"},
                    Example{"${{9a} < {10} ? {x} : {y}}", "y"}, Example{"${{-9} < {10} ? {x} : {y}}", "x"},
                    Example{"${{ 9 } < {10} ? {x} : {y}}", "x"}, Example{"${{9} <= {9} ? {x} : {y}}", "x"},
                    Example{"${{9} >= {10} ? {x} : {y}}", "y"}, Example{"[${{9} < {10} ? x }]", "[ x ]"},
                    Example{"[${{9} > {10} :  x }]", "[  x ]"}, Example{"[${{9} > {10} ? {x} : y z }]", "[ y z ]"},
                    Example{"[${{9} < {10} }]", "[true]"}, Example{"${{010} == {10}}", "true"},
                    Example{"${{} == {}}", "true"}, Example{"${{1.2}<{1.10}}", ""},
                    Example{"${{$dollar} == {$$f}}", "true"},
                    Example{"${{$f} == {foo} ? {${{a} == {a} ? {deep} : {no}}} : {y}}", "deep"}));

INSTANTIATE_TEST_SUITE_P(
    Levels, Expand,
    testing::Values(Example{"${{$level} <level {3.10} ? {x} : {y}}", "x"},
                    Example{"${{3.6} <=level {3.6} ? {x} : {y}}", "x"}, Example{"${{3.6} ==level {3.6.0}}", "true"},
                    Example{"${{3.6} !=level {3.6.0}}", ""}, Example{"${{3.6.1} >level {3.6}}", "true"},
                    Example{"${{3} >level {2}}", "true"}, Example{"${{9}<level{10}}", "true"},
                    Example{"${{3.6.1.2} >level {3.6}}", "ERROR malformed compatibility level syntax: \"3.6.1.2\""},
                    Example{"${{3x} >level {2}}", "ERROR malformed compatibility level syntax: \"3x\""},
                    Example{"${{} >level {2}}", "ERROR malformed compatibility level syntax: \"\""},
                    Example{"${{ 3.6 } <level {3.7}}", "ERROR malformed compatibility level syntax: \" 3.6 \""},
                    Example{"${{3.} <level {3.7}}", "ERROR malformed compatibility level syntax: \"3.\""},
                    Example{"${{3..4} <level {3.7}}", "ERROR malformed compatibility level syntax: \"3..4\""},
                    Example{"${{-1} <level {3.7}}", "ERROR malformed compatibility level syntax: \"-1\""}));

INSTANTIATE_TEST_SUITE_P(
    Mistakes, Expand,
    testing::Values(
        Example{"$", "ERROR empty macro name: \"$\""}, Example{"a$ b", "ERROR empty macro name: \"a$ b\""},
        Example{"$-", "ERROR empty macro name: \"$-\""}, Example{"${}", "ERROR empty macro name: \"${}\""},
        Example{"$()", "ERROR empty macro name: \"$()\""}, Example{"${f", "ERROR truncated macro reference: \"${f\""},
        Example{"$(f}", "ERROR truncated macro reference: \"$(f}\""},
        Example{"${f?{x}", "ERROR truncated macro reference: \"${f?{x}\""},
        Example{"${f g}", "ERROR attribute name syntax error at: \"...f>>> g\""},
        Example{"${f-g}", "ERROR attribute name syntax error at: \"...f>>>-g\""},
        Example{"$((f))", "ERROR attribute name syntax error at: \"...>>>(f)\""},
        Example{"${f?{x}y}", "ERROR \":\" expected at: \"...f?{x}>>>y\""},
        Example{"${e?{x}{y}}", "ERROR \":\" expected at: \"...e?{x}>>>{y}\""},
        Example{"${e:{x}:{y}}", "ERROR unexpected input at: \"...e:{x}>>>:{y}\""},
        Example{"${e?{x} : {y} z}", "ERROR unexpected input at: \"...e?{x} : {y} >>>z\""},
        Example{"$(f?{a)b})", "ERROR unbalanced {} in attribute expression: \"{a\""},
        Example{"${{9} = {10}}",
                "ERROR \"==\" or \"!=\" or \"<\" or \"<=\" or \">=\" or \">\" expected at: \"...{9} >>>= {10}\""},
        Example{"${{a}}", "ERROR \"==\" or \"!=\" or \"<\" or \"<=\" or \">=\" or \">\" expected at: \"...{a}>>>\""},
        Example{"${{9} == 10}", "ERROR \"{expression}\" expected at: \"...{9} ==>>> 10\""},
        Example{"${{3.6} <levels {3.7}}", "ERROR bad operator suffix at: \"...{3.6} <>>>levels {3.7}\""},
        Example{"${{9} < {10} x}", "ERROR \"?\" or \":\" expected at: \"...{9} < {10} >>>x\""},
        Example{"${{99999999999999999999} > {10}}", "ERROR number too large: \"99999999999999999999\""},
        Example{"$loop", "ERROR unreasonable macro call nesting: \"loop\""},
        Example{"${f?{${loop}}}", "ERROR unreasonable macro call nesting: \"loop\""}));

// As Postfix 3.11 documents it.
INSTANTIATE_TEST_SUITE_P(
    Functions, Expand,
    testing::Values(Example{"${domain_to_ascii{b\xC3\xBC"
                            "cher.example}}",
                            "xn--bcher-kva.example"},
                    Example{"${domain_to_ascii{$f.example}}", "foo.example"}, Example{"${ domain_to_ascii{a} }", "a"},
                    Example{"[${domain_to_ascii{}}]", "[]"},
                    Example{"${nosuch{a}}", "ERROR unknown function: \"nosuch\""},
                    Example{"${domain_to_ascii{a}x}", "ERROR unexpected input at: \"...domain_to_ascii{a}>>>x\""}));

TEST(ExpandLimits, TwoNamesThatReferToEachOtherAreFound) {
  EXPECT_TRUE(expanded("$l1").starts_with("ERROR unreasonable macro call nesting: \"l"));
}

TEST(ExpandLimits, WhatIsNotADomainIsAnError) {
  EXPECT_TRUE(expanded("${domain_to_ascii{a\xFF"
                       "b}}")
                  .starts_with("ERROR domain_to_ascii: \"a?b\": "));
}

// Each value is twice the one before: 2^64 copies of `last`.
std::string doubled(const std::string& last) {
  auto twice = [&last](std::string_view name) -> std::optional<std::string_view> {
    static std::map<std::string, std::string, std::less<>> values;
    if (name == "v0") return last;
    const std::string next = "$v" + std::to_string(std::stoi(std::string(name.substr(1))) - 1);
    return values.insert_or_assign(std::string(name), next + next).first->second;
  };
  const auto result = config::expand("$v64", twice);
  return result ? *result : result.error().text;
}

TEST(ExpandLimits, AValueThatDoublesAtEachStepEndsAtTheLimit) {
  EXPECT_EQ(doubled("x"), "the value grows beyond 4194304 bytes");
}

TEST(ExpandLimits, SoDoesOneThatDoublesDownToNothing) {
  EXPECT_EQ(doubled(""), "the value grows beyond 4194304 bytes");
}

TEST(ExpandLimits, BracesWithinBracesEndAtTheDepth) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "${f?{";
  for (int i = 0; i < 500; ++i) text += "}}";
  EXPECT_TRUE(expanded(text).starts_with("ERROR unreasonable macro call nesting"));
}

TEST(ForEachReference, NamesInTestsBranchesAndArgumentsAreFound) {
  std::vector<std::string> names;
  config::for_each_reference("$a ${b?{$c}:{${d}}} ${{$e} == {x} ? {$(f)} : $g} ${domain_to_ascii{$h}} $$i $j ${ $k",
                             [&](std::string_view name) { names.emplace_back(name); });
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "c", "d", "e", "f", "g", "h", "j"}));
}

}  // namespace
