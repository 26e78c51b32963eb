#pragma once
// What was said in a session, for the postmaster: commands and replies, never content or secrets. When something of a
// class that notify_classes names went wrong, it is mailed to error_notice_recipient or bounce_notice_recipient.

#include <cstddef>
#include <string>
#include <string_view>

#include "config/config.h"
#include "smtpd/faults.h"

namespace smtpd {

struct CommandLine;
struct Session;

struct NoticeSettings {
  explicit NoticeSettings(const config::Config& config);  // throws base::Fatal for a word it does not know

  Faults wanted;  // notify_classes, as far as a session can have such trouble
  std::string recipient;
  std::string bounce_recipient;  // in place of it when a recipient that does not exist is among the faults
  std::string sender;
  std::string from;             // what stands in the From header
  std::size_t flush_threshold;  // smtpd_history_flush_threshold
  bool filtered;                // internal_mail_filter_classes has notify
};

class Transcript {
 public:
  explicit Transcript(bool recording) : recording_(recording) {}

  // `typed`: as it came, but for what smtpd_command_filter did to it.
  void heard(const CommandLine& line, std::string_view typed);
  void heard_secret();  // a response of AUTH's
  void said(std::string_view on_the_wire);
  void add(Fault fault) { faults_.add(fault); }
  void forgive() { faults_.clear(); }                      // its mail was taken
  void end(std::string_view reason) { reason_ = reason; }  // "timeout": how the session ended before its time

  // EHLO, RSET, the end of a message: a long transcript begins anew. What was to be told is told first.
  void begin_anew(Session& session);
  // The client is another one, or is gone.
  void finish(Session& session);

 private:
  void record(std::string_view who, std::string_view line);
  void post(Session& session) const;

  bool recording_;  // false: nobody wants any class
  Faults faults_;
  std::string text_;         // every line with its end
  std::size_t lines_ = 0;    // ever recorded
  std::size_t dropped_ = 0;  // of them: gone for want of room
  std::string_view reason_;
  bool after_auth_ = false;  // what is no command may be a secret
};

}  // namespace smtpd
