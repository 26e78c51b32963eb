#include "service/options.h"

#include "base/error.h"
#include "base/text.h"
#include "command/command.h"

namespace service {

namespace {

constexpr std::string_view kUsage =
    "usage: this program is started by master(8), with options [-cdDlSuvVz] [-i max_idle] [-m max_use] [-n service] "
    "[-o name=value] [-s sockets] [-t type]";

int number(char letter, const std::string& text, int low, int high) {
  const auto value = base::to_long(text);
  if (!value || *value < low || *value > high) {
    throw base::Fatal(fmt::format("option -{}: \"{}\" is not a number from {} to {}", letter, text, low, high));
  }
  return static_cast<int>(*value);
}

void apply(Options& to, const command::Option& option) {
  switch (option.letter) {
    case 'c':
      to.chroot = true;
      break;
    case 'd':
      to.keep_descriptors = true;
      break;
    case 'D':
      to.debugger = true;
      break;
    case 'i': {
      const auto time = base::to_seconds(option.argument, 's');
      if (!time || time->count() == 0) throw base::Fatal(fmt::format("option -i: bad time \"{}\"", option.argument));
      to.max_idle = *time;
      break;
    }
    case 'l':
      to.exactly_one = true;
      break;
    case 'm':
      to.max_use = number('m', option.argument, 1, 1'000'000'000);
      break;
    case 'n':
      to.service_name = option.argument;
      break;
    case 'o': {
      auto setting = config::split_override(option.argument);
      if (!setting)
        throw base::Fatal(fmt::format("invalid \"-o {}\" option value: {}", option.argument, setting.error().text));
      to.overrides.push_back(std::move(*setting));
      break;
    }
    case 's':
      to.listeners = number('s', option.argument, 1, 1024);
      break;
    case 'S':
      to.stand_alone = true;
      break;
    case 't': {
      const auto type = config::service_type(option.argument);
      if (!type) throw base::Fatal(fmt::format("unsupported transport type: {}", option.argument));
      to.type = *type;
      break;
    }
    case 'u':
      to.unprivileged = true;
      break;
    case 'v':
      ++to.verbosity;
      break;
    case 'V':
      to.log_to_stderr = true;
      break;
    case 'z':
      to.unlimited = true;
      break;
    default:
      throw base::Fatal(std::string(kUsage));
  }
}

}  // namespace

Options parse_options(std::span<char*> arguments) {
  const auto line = command::parse(arguments, "cdDi:lm:n:o:s:St:uvVz", kUsage);
  Options options;
  for (const auto& option : line.options) apply(options, option);
  options.arguments = line.operands;
  return options;
}

}  // namespace service
