#include "sendmail/request.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "command/command.h"
#include "logging/log.h"
#include "queue/message.h"

namespace sendmail {

namespace {

constexpr std::string_view kLetters = "A:B:C:F:GIL:N:O:R:UV:X:b:ce:f:h:imno:p:r:q:tvx";
constexpr std::size_t kLongestEnvelopeId = 100;
// getopt knows no option whose argument may be missing: a lone -q travels as this.
constexpr char kFlush = '\x01';

bool takes_argument(char letter) {
  const auto place = kLetters.find(letter);
  return letter != ':' && place != std::string_view::npos && place + 1 < kLetters.size() && kLetters[place + 1] == ':';
}

// An old form of -V asked for VERP: "-V" before a word of two characters, and -V+=.
std::string modern_form(const std::string& word, const char* next) {
  if (word == "-q") return std::string("-q") + kFlush;
  const bool is_old = (word == "-V" && next != nullptr && std::string_view(next).size() == 2) ||
                      (word.starts_with("-V") && word.size() == 4);
  if (!is_old) return word;
  std::string modern = "-X" + word.substr(1);
  logging::warning("sendmail.old_verp", "option {option} is deprecated with Postfix 2.3; specify {instead} instead",
                   {{"option", word}, {"instead", modern}});
  return modern;
}

std::vector<std::string> modern_options(std::span<char*> arguments) {
  std::vector<std::string> words(arguments.begin(), arguments.end());
  for (std::size_t at = 0; at < words.size() && words[at].size() > 1 && words[at][0] == '-'; ++at) {
    if (words[at] == "--") break;
    words[at] = modern_form(words[at], at + 1 < words.size() ? words[at + 1].c_str() : nullptr);
    // The argument of an option is no option.
    const auto taker = std::find_if(words[at].begin() + 1, words[at].end(), takes_argument);
    if (taker != words[at].end() && taker + 1 == words[at].end()) ++at;
  }
  return words;
}

int notify_flags(std::string_view list) {
  int flags = 0;
  for (const std::string_view word : base::split(list)) {
    if (base::equals_folded(word, "never")) {
      flags |= queue::notify::kNever;
    } else if (base::equals_folded(word, "success")) {
      flags |= queue::notify::kSuccess;
    } else if (base::equals_folded(word, "failure")) {
      flags |= queue::notify::kFailure;
    } else if (base::equals_folded(word, "delay")) {
      flags |= queue::notify::kDelay;
    } else {
      logging::warning("sendmail.bad_notify", "unknown DSN NOTIFY command value \"{word}\" in \"{list}\"",
                       {{"word", word}, {"list", list}});
      flags = 0;
      break;
    }
  }
  const bool is_usable = flags != 0 && (flags == queue::notify::kNever || (flags & queue::notify::kNever) == 0);
  if (!is_usable) logging::warning("sendmail.bad_notify", "bad -N option value -- ignored");
  return is_usable ? flags : 0;
}

int return_flags(std::string_view word) {
  if (base::equals_folded(word, "full")) return queue::dsn_return::kFull;
  if (base::equals_folded(word, "hdrs")) return queue::dsn_return::kHeaders;
  logging::warning("sendmail.bad_return", "bad -R option value -- ignored");
  return 0;
}

// What cannot be used leaves an earlier -V in force.
void take_envelope_id(Request& request, const std::string& text) {
  if (text.size() > kLongestEnvelopeId) {
    logging::warning("sendmail.bad_envelope_id", "too long -V option value -- ignored");
  } else if (text.empty() || !std::ranges::all_of(text, base::is_printable)) {
    logging::warning("sendmail.bad_envelope_id", "bad syntax in -V option value -- ignored");
  } else {
    request.envelope_id = text;
  }
}

std::string encoding(std::string_view word) {
  if (word == "8BITMIME") return "8bit";
  if (word == "7BIT") return "7bit";
  throw base::Fatal("-B option needs 8BITMIME or 7BIT");
}

void choose_mode(Request& request, const std::string& word) {
  switch (word.empty() ? '\0' : word[0]) {
    case 'd':
    case 'l':
      request.mode = Mode::start;
      return;
    case 'h':
    case 'H':
      request.mode = Mode::nothing;
      return;
    case 'i':
      request.mode = Mode::new_aliases;
      return;
    case 'm':
      request.mode = Mode::submit;
      return;
    case 'p':
      request.mode = Mode::list_queue;
      return;
    case 's':
      request.mode = Mode::dialogue;
      return;
    case 'v':
      request.mode = Mode::verify;
      return;
    default:
      throw base::Fatal("unsupported: -b" + word.substr(0, 1));
  }
}

void choose_flush(Request& request, const std::string& word) {
  const char kind = word.empty() ? '\0' : word[0];
  if (kind == kFlush) {
    if (request.mode != Mode::start) request.mode = Mode::flush_queue;
  } else if (base::is_digit(kind)) {
    request.is_interval = true;
  } else if (kind == 'R') {
    request.flush_site = word.substr(1);
    if (request.flush_site.empty()) throw base::Fatal("specify: -qRsitename");
  } else if (kind == 'I') {
    request.flush_id = word.substr(1);
    if (request.flush_id.empty()) throw base::Fatal("specify: -qIqueueid");
  } else {
    throw base::Fatal("-q" + word.substr(0, 1) + " is not implemented");
  }
}

void take_o(Request& request, const std::string& word) {
  if (word.starts_with('A')) {
    request.alias_database = word.substr(1);
    if (request.alias_database.empty()) throw base::Fatal("-oA requires pathname");
  } else if (word.starts_with('i')) {
    request.dot_ends_input = false;
  }
}

// Of the long options two mean something, with a value; the others were of another mail system.
void take_long_option(Request& request, std::string_view word) {
  const auto equals = word.find('=');
  if (equals == std::string_view::npos) return;
  const std::string_view name = base::trim(word.substr(0, equals));
  const bool requires_tls = base::equals_folded(name, "requiretls");
  if (!requires_tls && !base::equals_folded(name, "smtputf8")) return;
  const std::string_view value = base::trim(word.substr(equals + 1));
  const bool is_yes = base::equals_folded(value, "yes");
  if (!is_yes && !base::equals_folded(value, "no")) {
    throw base::Fatal(fmt::format("bad value of option -O {}: \"{}\" -- specify \"yes\" or \"no\"", name, value));
  }
  (requires_tls ? request.requires_tls : request.requests_utf8) = is_yes;
}

// -C takes the file or its directory.
std::string directory_of(const std::string& path) {
  constexpr std::string_view kFile = "main.cf";
  if (path == kFile) return ".";
  if (path.size() > kFile.size() && path.ends_with(kFile) && path[path.size() - kFile.size() - 1] == '/') {
    return path.substr(0, std::max<std::size_t>(1, path.size() - kFile.size() - 1));
  }
  return path;
}

void take_verp(Request& request, const std::string& word) {
  if (!word.starts_with('V')) throw base::Fatal("unsupported: -X" + word.substr(0, 1));
  request.wants_verp = true;
  request.verp_delimiters = word.substr(1);
}

void take(Request& request, const command::Option& option, int& v_options) {
  switch (option.letter) {
    case 'B':
      request.encoding = encoding(option.argument);
      return;
    case 'C':
      request.config_directory = directory_of(option.argument);
      return;
    case 'F':
      request.full_name = option.argument;
      return;
    case 'G':
      request.is_gateway = true;
      return;
    case 'I':
      request.mode = Mode::new_aliases;
      return;
    case 'N':
      request.notify_flags = notify_flags(option.argument);
      return;
    case 'O':
      take_long_option(request, option.argument);
      return;
    case 'R':
      request.return_flags = return_flags(option.argument);
      return;
    case 'V':
      take_envelope_id(request, option.argument);
      return;
    case 'X':
      take_verp(request, option.argument);
      return;
    case 'b':
      choose_mode(request, option.argument);
      return;
    case 'f':
    case 'r':
      request.sender = option.argument;
      return;
    case 'i':
      request.dot_ends_input = false;
      return;
    case 'n':
      throw base::Fatal("-n option not supported");
    case 'o':
      take_o(request, option.argument);
      return;
    case 'q':
      choose_flush(request, option.argument);
      return;
    case 't':
      request.recipients_in_header = true;
      return;
    case 'v':
      if (++v_options > 1) ++request.verbosity;
      return;
    default:  // -A -L -U -c -e -h -m -p -x: for the sake of programs that say them
      return;
  }
}

// What stands before "requires no recipient".
std::string_view mode_without_recipients(Mode mode) {
  switch (mode) {
    case Mode::start:
      return "daemon mode";
    case Mode::dialogue:
      return "stand-alone mode";
    case Mode::list_queue:
      return "display queue mode";
    case Mode::new_aliases:
      return "alias initialization mode";
    case Mode::flush_queue:
      return "flush queue mode";
    case Mode::flush_site:
      return "flush site";
    case Mode::flush_id:
      return "flush queue_id";
    case Mode::submit:
    case Mode::verify:
    case Mode::nothing:
      break;
  }
  return {};
}

}  // namespace

std::string program_name(std::string_view path) {
  const auto slash = path.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  return name.empty() ? "sendmail" : std::string(name);
}

Request understand(std::string_view name, std::span<char*> arguments) {
  Request request;
  if (name == "mailq") request.mode = Mode::list_queue;
  if (name == "newaliases") request.mode = Mode::new_aliases;
  if (name == "smtpd") request.mode = Mode::start;

  std::vector<std::string> words = modern_options(arguments);
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  command::CommandLine line = command::parse(pointers, kLetters, "usage: " + std::string(name) + " [options]");
  int v_options = 0;
  for (const command::Option& option : line.options) {
    take(request, option, v_options);
  }
  if (request.is_interval && request.mode != Mode::start) {
    request.mode = Mode::nothing;
    return request;
  }
  request.recipients = std::move(line.operands);

  const bool is_mail = request.mode == Mode::submit || request.mode == Mode::verify;
  const bool is_flush = !request.flush_site.empty() || !request.flush_id.empty();
  if (is_mail && !is_flush) {
    request.wants_report = v_options == 1;  // more of them ask for verbose logging instead
  } else {
    request.verbosity = v_options;
  }
  if (request.mode == Mode::verify) {
    if (request.recipients_in_header) throw base::Fatal("-t option cannot be used with -bv");
    if (request.notify_flags != 0) throw base::Fatal("-N option cannot be used with -bv");
    if (request.return_flags != 0) throw base::Fatal("-R option cannot be used with -bv");
    if (v_options == 1) throw base::Fatal("-v option cannot be used with -bv");
    request.wants_report = false;
  }
  if (!is_mail) {
    const auto refuse = [](std::string_view option) {
      throw base::Fatal(std::string(option) + " can be used only in delivery mode");
    };
    if (request.recipients_in_header) refuse("-t");
    if (!request.flush_site.empty()) refuse("-qR");
    if (!request.flush_id.empty()) refuse("-qI");
  }
  if (!request.flush_site.empty()) {
    request.mode = Mode::flush_site;
  } else if (!request.flush_id.empty()) {
    request.mode = Mode::flush_id;
  }
  if (const auto mode = mode_without_recipients(request.mode); !mode.empty() && !request.recipients.empty()) {
    throw base::Fatal(std::string(mode) + " requires no recipient");
  }
  return request;
}

}  // namespace sendmail
