#include "sendmail/sendmail.h"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "command/interrupt.h"
#include "command/open_logging.h"
#include "config/config.h"
#include "config/param.h"
#include "logging/log.h"
#include "mail/address.h"
#include "mail/header_tokens.h"
#include "queue/message.h"
#include "sendmail/header_scan.h"
#include "sendmail/request.h"
#include "sendmail/submission.h"
#include "sendmail/text_reader.h"

namespace sendmail {

namespace {

namespace param = config::param;
using queue::RecordType;

// Who calls, asked for only when the answer is needed.
class Caller {
 public:
  const std::string& name() {
    look_up();
    if (name_.empty()) throw base::Fatal(fmt::format("no login name found for user ID {}", ::getuid()));
    return name_;
  }
  // GECOS: "& Miller,room 1" is "Root Miller".
  std::string full_name() {
    look_up();
    std::string full;
    for (const char c : std::string_view(gecos_).substr(0, gecos_.find(','))) {
      if (c != '&') {
        full += c;
        continue;
      }
      std::string capital = name_;
      if (!capital.empty() && capital[0] >= 'a' && capital[0] <= 'z') capital[0] = static_cast<char>(capital[0] - 32);
      full += capital;
    }
    return full;
  }

 private:
  void look_up() {
    if (std::exchange(known_, true)) return;
    if (const struct passwd* const entry = ::getpwuid(::getuid())) {
      name_ = entry->pw_name;
      gecos_ = entry->pw_gecos;
    }
  }

  bool known_ = false;
  std::string name_;
  std::string gecos_;
};

std::size_t from_standard_input(char* buffer, std::size_t size) {
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, buffer, size);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EINTR && command::interrupted() != 0) throw base::Fatal("interrupted");
    if (errno != EINTR) throw base::Fatal(base::with_errno("read standard input", errno));
  }
}

LineEndings line_endings(const config::Config& config) {
  const std::string& word = config[param::sendmail_fix_line_endings];
  if (word == "always") return LineEndings::always;
  if (word == "strict") return LineEndings::strict;
  if (word == "never") return LineEndings::never;
  throw base::Fatal(fmt::format("invalid sendmail_fix_line_endings value: {}", word));
}

// A person's text that must be one line.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

std::string sender_of(const Request& request, Caller& caller) {
  if (!request.sender) return caller.name();
  const auto addresses = mail::addresses_in(*request.sender, request.sender->size());
  if (addresses.size() > 1) {
    logging::warning("sendmail.bad_sender", "-f option specified malformed sender: {sender}",
                     {{"sender", *request.sender}});
  }
  return addresses.empty() ? "" : mail::unquote(addresses.front());
}

std::string full_name_of(const Request& request, Caller& caller) {
  if (request.full_name) return one_line(*request.full_name);
  if (const char* const name = std::getenv("NAME")) return one_line(name);
  return one_line(caller.full_name());
}

std::string verp_delimiters(const Request& request, const config::Config& config) {
  const std::string& accepted = config[param::verp_delimiter_filter];
  std::string delimiters = request.verp_delimiters;
  if (delimiters.empty()) delimiters = config[param::default_verp_delimiters];
  if (delimiters.size() != 2 || delimiters.find_first_not_of(accepted) != std::string::npos) {
    throw base::Fatal("-V requires two characters from " + accepted);
  }
  return delimiters;
}

// One mail on its way, record by record.
class Mail {
 public:
  Mail(const config::Config& config, const Request& request, Caller& caller)
      : config_(config),
        request_(request),
        sender_(sender_of(request, caller)),
        who_(fmt::format("{}({})", sender_, ::getuid())),
        verp_(request.wants_verp ? verp_delimiters(request, config) : ""),
        full_name_(full_name_of(request, caller)) {
    if (request.wants_verp && sender_.empty()) fail("-V option requires non-null sender address");
    for (const std::string& typed : request.recipients) add_recipients(typed);
    if (recipients_.empty() && !request.recipients_in_header) {
      fail("Recipient addresses must be specified on the command line or via the -t option");
    }
  }

  void submit() {
    submission_ = begin_submission(config_, who_);
    put_envelope();
    put(RecordType::message, "");
    if (request_.mode == Mode::verify) {
      put_probe();
    } else if (request_.recipients_in_header) {
      put_text_searched();
    } else {
      put_text();
    }
    put(RecordType::extracted, "");
    for (const std::string& recipient : found_) put_recipient(recipient);
    put(RecordType::end, "");
    if (command::interrupted() != 0) throw base::Fatal("interrupted");
    submission_->commit();
  }

  const std::string& sender() const { return sender_; }

 private:
  [[noreturn]] void fail(std::string_view why) const { throw base::Fatal(fmt::format("{}: {}", who_, why)); }

  void put(RecordType type, std::string_view data) { submission_->put(type, data); }
  void put_attribute(std::string_view name, std::string_view value) {
    put(RecordType::attribute, fmt::format("{}={}", name, value));
  }
  void put_piece(Piece piece) { put(piece.ends_line ? RecordType::text : RecordType::unterminated, piece.text); }

  // One word of the command line may be a list. A word without an address is the empty address.
  void add_recipients(const std::string& typed) {
    const auto addresses = mail::addresses_in(typed, typed.size());
    if (addresses.empty()) recipients_.emplace_back();
    for (const std::string& address : addresses) recipients_.push_back(mail::unquote(address));
  }

  void put_envelope() {
    if (!request_.envelope_id.empty()) put_attribute("envelope_id", request_.envelope_id);
    if (request_.return_flags != 0) put_attribute("ret_flags", std::to_string(request_.return_flags));
    put_attribute("rewrite_context", request_.is_gateway ? "remote" : "local");
    if (request_.requires_tls) put_attribute(queue::attribute::kRequireTls, queue::attribute::kYes);
    if (request_.requests_utf8) put_attribute(queue::attribute::kSmtpUtf8, queue::attribute::kYes);
    put(RecordType::full_name, full_name_);
    put(RecordType::sender, sender_);
    if (!request_.encoding.empty()) put_attribute("encoding", request_.encoding);
    if (request_.mode == Mode::verify) put_attribute("trace_flags", std::to_string(queue::trace::kUserVerify));
    if (request_.wants_report) put_attribute("trace_flags", std::to_string(queue::trace::kRecord));
    if (!verp_.empty()) put(RecordType::verp_delimiters, verp_);
    for (const std::string& recipient : recipients_) put_recipient(recipient);
  }

  void put_recipient(const std::string& recipient) {
    if (request_.notify_flags != 0) put_attribute("notify_flags", std::to_string(request_.notify_flags));
    put(RecordType::recipient, recipient);
  }

  TextReader reader() const {
    return {from_standard_input,
            {.longest_piece = static_cast<std::size_t>(config_[param::line_length_limit]),
             .line_endings = line_endings(config_),
             .dot_ends_input = request_.dot_ends_input}};
  }

  void put_text() {
    TextReader text = reader();
    while (const auto piece = text.next()) put_piece(*piece);
  }

  void put_text_searched() {
    TextReader text = reader();
    HeaderScan scan(static_cast<std::size_t>(config_[param::header_size_limit]),
                    static_cast<std::size_t>(config_[param::line_length_limit]),
                    [this](Piece piece) { put_piece(piece); });
    bool is_understood = true;
    while (const auto piece = text.next()) {
      is_understood = scan.take(*piece);
      if (!is_understood) break;
    }
    if (!is_understood || !scan.finish()) {
      fail("unable to extract recipients: message header length exceeds safety limit");
    }
    found_ = scan.recipients();
    if (found_.empty() && recipients_.empty()) fail("No recipient addresses found in message header");
  }

  void put_probe() {
    if (!sender_.empty()) put(RecordType::text, "From: " + mail::quote(sender_));
    put(RecordType::text, "Subject: probe");
    put(RecordType::unterminated, "To:");
    for (const std::string& recipient : recipients_) {
      const bool is_last = &recipient == &recipients_.back();
      put(RecordType::text, fmt::format("\t{}{}", mail::quote(recipient), is_last ? "" : ","));
    }
  }

  const config::Config& config_;
  const Request& request_;
  std::string sender_;  // internal form
  std::string who_;     // before error texts
  std::string verp_;
  std::string full_name_;
  std::vector<std::string> recipients_;  // internal form
  std::vector<std::string> found_;       // in the header
  std::unique_ptr<Submission> submission_;
};

int submit(const config::Config& config, const Request& request) {
  command::catch_interrupts();
  require_submitter(config);
  Caller caller;
  Mail mail(config, request, caller);
  mail.submit();
  if (request.mode == Mode::verify || request.wants_report) {
    fmt::print("Mail Delivery Status Report will be mailed to <{}>.\n", base::printable(mail.sender()));
  }
  return 0;
}

// Becomes another program of the mail system.
[[noreturn]] void become(const std::string& path, std::vector<std::string> words, int verbosity) {
  for (int i = 0; i < verbosity; ++i) words.insert(words.begin() + 1, "-v");
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execv(path.c_str(), pointers.data());
  throw base::Fatal(base::with_errno("execute " + path, errno));
}

int make_aliases(const config::Config& config, const Request& request) {
  std::vector<std::string> words = {"postalias", "--"};
  if (!request.alias_database.empty()) {
    words.push_back(request.alias_database);
  } else {
    for (const std::string_view name : base::split(config[param::alias_database])) words.emplace_back(name);
  }
  if (words.size() == 2) return 0;
  become(config[param::command_directory] + "/postalias", words, request.verbosity);
}

// Somebody made the file set-uid, or runs it from such a program: nothing here is made for that.
void give_up_borrowed_rights() {
  if (::getuid() == ::geteuid() && ::getgid() == ::getegid()) return;
  logging::warning("sendmail.set_uid", "sendmail runs with rights that are not those of its caller; they are given up");
  if (::setregid(::getgid(), ::getgid()) != 0 || ::setreuid(::getuid(), ::getuid()) != 0) {
    throw base::Fatal(base::with_errno("give up rights", errno));
  }
}

// A command line that makes no sense is told in the log, too: often nobody sees what a program prints that starts us.
Request understood(const std::string& name, std::span<char*> arguments) {
  try {
    return understand(name, arguments);
  } catch (const base::Fatal&) {
    config::Source source;
    source.process_name = "sendmail";
    if (const auto config = config::Config::load(source)) command::open_logging(*config, name);
    throw;
  }
}

}  // namespace

int run(const std::string& name, std::span<char*> arguments) {
  give_up_borrowed_rights();
  const Request request = understood(name, arguments);

  // For the programs that this one runs, too.
  if (!request.config_directory.empty()) ::setenv("MAIL_CONFIG", request.config_directory.c_str(), 1);
  logging::set_verbosity(logging::verbosity() + request.verbosity);
  config::Source source;
  source.process_name = "sendmail";
  const auto config = config::Config::load(source);
  if (!config) throw base::Fatal(config.error().text);
  command::open_logging(*config, name);
  const std::string& queue = (*config)[param::queue_directory];
  if (::chdir(queue.c_str()) != 0) throw base::Fatal(base::with_errno("chdir " + queue, errno));

  const std::string& commands = (*config)[param::command_directory];
  switch (request.mode) {
    case Mode::submit:
    case Mode::verify:
      return submit(*config, request);
    case Mode::start:
      become(commands + "/postfix", {"postfix", "start"}, request.verbosity);
    case Mode::dialogue:
      require_submitter(*config);
      become((*config)[param::daemon_directory] + "/smtpd", {"smtpd", "-S"}, request.verbosity);
    case Mode::list_queue:
      become(commands + "/postqueue", {"postqueue", "-p"}, request.verbosity);
    case Mode::flush_queue:
      become(commands + "/postqueue", {"postqueue", "-f"}, request.verbosity);
    case Mode::flush_site:
      become(commands + "/postqueue", {"postqueue", "-s", request.flush_site}, request.verbosity);
    case Mode::flush_id:
      become(commands + "/postqueue", {"postqueue", "-i", request.flush_id}, request.verbosity);
    case Mode::new_aliases:
      return make_aliases(*config, request);
    case Mode::nothing:
      break;
  }
  return 0;
}

}  // namespace sendmail
