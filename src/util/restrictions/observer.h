#pragma once
// Decisions of the restriction language told step by step. Nobody has to listen.

#include <string>
#include <string_view>

#include "routing/observer.h"

namespace restrictions {

class Observer : public routing::Observer {
 public:
  // A list begins: "smtpd_recipient_restrictions", and where it stands ("/etc/postfix/main.cf, line 12"; "default").
  virtual void entered(std::string_view list, std::string_view origin) = 0;
  // A restriction is about to be asked, as it is written ("check_client_access hash:/etc/postfix/clients").
  virtual void asked(std::string_view restriction, std::string_view origin) = 0;
  // What came of it: "permit", "reject", "dunno", "defer_if_permit", ..., with the reply if there is one.
  virtual void judged(std::string_view restriction, std::string_view verdict, std::string_view reply) = 0;
  virtual void left(std::string_view list, std::string_view verdict) = 0;
};

}  // namespace restrictions
