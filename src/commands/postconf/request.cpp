#include "postconf/request.h"

#include <array>
#include <string_view>

#include "base/error.h"
#include "base/text.h"
#include "command/command.h"

namespace postconf {

namespace {

constexpr std::string_view kLetters = "aAbc:C:deEfFhHjlmMno:pPqtT:vxX#";

constexpr std::string_view kUsage =
    "usage: postconf [-a (server SASL types)] [-A (client SASL types)] [-b (bounce templates)] [-c config_dir] "
    "[-C param_class] [-d (parameter defaults)] [-e (edit configuration)] [-f (fold lines)] [-F (master.cf fields)] "
    "[-h (no names)] [-H (no values)] [-j (JSON output)] [-l (lock types)] [-m (map types)] [-M (master.cf)] "
    "[-n (non-default parameters)] [-o name=value (override parameter value)] [-p (main.cf, default)] "
    "[-P (master.cf parameters)] [-q (no warnings)] [-t (bounce templates)] "
    "[-T compile-version|run-version|public-key-algorithms] [-v (verbose)] [-x (expand parameter values)] "
    "[-X (exclude)] [-# (comment-out)] [name...]";

struct SubjectOption {
  char letter;
  Subject subject;
  std::string_view allowed;  // the other letters that may stand with it; -c, -C and -v always may
};
constexpr std::array kSubjects = {
    SubjectOption{'a', Subject::server_sasl_types, ""},
    SubjectOption{'A', Subject::client_sasl_types, ""},
    SubjectOption{'b', Subject::expanded_templates, ""},
    SubjectOption{'F', Subject::service_fields, "efhHjoqx"},
    SubjectOption{'l', Subject::lock_methods, ""},
    SubjectOption{'m', Subject::table_types, ""},
    SubjectOption{'M', Subject::services, "efjoqxX#"},
    SubjectOption{'p', Subject::parameters, "defhHjnoqxX#"},
    SubjectOption{'P', Subject::service_parameters, "efhHjoqxX"},
    SubjectOption{'t', Subject::templates, ""},
    SubjectOption{'T', Subject::tls, ""},
};

// Of each of these sets a command line may use one letter. They are checked in this order, which decides what is
// complained about first.
constexpr std::array<std::string_view, 7> kAlternatives = {
    "aAbFlmMpPtT", "denX#", "efX#", "exX#", "deoX#", "ehHjX#", "eqX#",
};
// JSON has no lines to fold.
constexpr std::string_view kFoldOrJson = "fj";

// The letters of `chosen` that were given, as "-a -b"; in the order of kLetters, whatever the order on the command
// line.
std::string listed(std::string_view given, std::string_view chosen) {
  std::string text;
  for (const char letter : kLetters) {
    if (given.contains(letter) && chosen.contains(letter)) text.append(text.empty() ? "-" : " -").append(1, letter);
  }
  return text;
}

void refuse_alternatives(std::string_view given, std::string_view set) {
  const std::string found = listed(given, set);
  if (found.size() > 2) throw base::Fatal("specify one of " + found);
}

const SubjectOption& subject_of(std::string_view given) {
  const auto* chosen =
      std::ranges::find_if(kSubjects, [&](const SubjectOption& option) { return given.contains(option.letter); });
  if (chosen == std::end(kSubjects)) chosen = std::ranges::find(kSubjects, 'p', &SubjectOption::letter);
  return *chosen;
}

Classes parse_classes(const std::string& text) {
  Classes classes{false, false, false};
  for (const std::string_view name : base::split(text)) {
    const std::string word = base::lower(name);
    if (word == "builtin") {
      classes.builtin = true;
    } else if (word == "service") {
      classes.service = true;
    } else if (word == "user") {
      classes.user = true;
    } else if (word == "all") {
      classes = {};
    } else {
      throw base::Fatal(fmt::format("unknown -C option value \"{}\" in \"{}\"", name, text));
    }
  }
  return classes;
}

bool can_be_edited(Subject subject) {
  return subject == Subject::parameters || subject == Subject::services || subject == Subject::service_fields ||
         subject == Subject::service_parameters;
}

Action action_of(std::string_view given) {
  if (given.contains('X')) return Action::remove;
  if (given.contains('#')) return Action::comment_out;
  return given.contains('e') ? Action::edit : Action::show;
}

// Takes the options one by one; the letters given, each once, are the result.
std::string read_options(const command::CommandLine& line, Request& request) {
  std::string given;
  for (const auto& [letter, argument] : line.options) {
    if (letter == 'E') throw base::Fatal(std::string(kUsage));
    if ((letter == 'b' || letter == 't') && (given.contains('b') || given.contains('t'))) {
      throw base::Fatal("specify one of -b and -t");
    }
    if (letter == 'T' && given.contains('T')) throw base::Fatal("At most one -T <mode> option may be specified");
    if (letter == 'c') request.directory = argument;
    if (letter == 'C') request.classes = parse_classes(argument);
    if (letter == 'o') request.overrides.push_back(argument);
    if (letter == 'T') request.tls_mode = argument;
    if (letter == 'v') ++request.verbose;
    if (!given.contains(letter)) given.append(1, letter);
  }
  return given;
}

}  // namespace

Request parse_request(std::span<char*> arguments) {
  Request request;
  command::CommandLine line = command::parse(arguments, kLetters, kUsage);
  std::string given = read_options(line, request);
  request.operands = std::move(line.operands);

  const SubjectOption& subject = subject_of(given);
  const bool has_assignment =
      std::ranges::any_of(request.operands, [](const std::string& operand) { return operand.contains('='); });
  if (has_assignment && can_be_edited(subject.subject) && !given.contains('e')) given.append(1, 'e');

  for (const std::string_view set : kAlternatives) refuse_alternatives(given, set);
  refuse_alternatives(given, kFoldOrJson);
  std::string others = given;
  std::erase_if(others, [&](char letter) {
    return letter == subject.letter || subject.allowed.contains(letter) || std::string_view("cCv").contains(letter);
  });
  if (!others.empty()) {
    throw base::Fatal(fmt::format("with option -{}, do not specify {}", subject.letter, listed(others, kLetters)));
  }

  request.subject = subject.subject;
  request.action = action_of(given);
  request.defaults = given.contains('d');
  request.only_set = given.contains('n');
  request.fold = given.contains('f');
  request.expand = given.contains('x');
  request.show_names = !given.contains('h');
  request.show_values = !given.contains('H');
  request.json = given.contains('j');
  request.quiet = given.contains('q');
  if (request.action == Action::edit && request.operands.empty()) throw base::Fatal("-e requires name=value argument");
  if (request.action != Action::show && request.operands.empty()) throw base::Fatal("missing service argument");
  return request;
}

}  // namespace postconf
