#pragma once
// Where a recipient's mailbox is and whose it is: three look-ups by the whole address, and the judgement on what the
// tables say, which may have been written by others than the administrator.

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"
#include "delivery/identity.h"
#include "delivery/request.h"
#include "table/list.h"

// `virtual` is a word of the language.
namespace virtual_agent {

struct Mailbox {
  std::string path;  // with a slash at its end: a maildir
  delivery::Ids owner;
};

class Mailboxes {
 public:
  // Opens the tables. Throws config::BadValue without virtual_mailbox_base.
  explicit Mailboxes(const config::Config& config);

  // Nothing: there is no such recipient. An error: the mail waits, with this status; why is in the log.
  std::expected<std::optional<Mailbox>, delivery::Status> find(std::string_view recipient) const;

  std::string changed() const;  // the name of a table list that has changed; empty for none

 private:
  struct Number;
  std::expected<std::optional<std::string>, delivery::Status> look_up(const table::TableList& tables,
                                                                      std::string_view address) const;
  std::expected<unsigned, delivery::Status> number(const table::TableList& tables, std::string_view what,
                                                   std::string_view address, long minimum) const;

  std::string base_;
  std::string delimiters_;
  bool owner_request_special_;
  std::string double_bounce_sender_;
  long minimum_uid_;
  table::TableList mailboxes_;
  table::TableList uids_;
  table::TableList gids_;
};

// Why a table's result cannot be the path of a mailbox; empty when it can. Pure.
std::string problem_of_path(std::string_view result);

}  // namespace virtual_agent
