#include "bounce/plan.h"

#include <fmt/format.h>

#include "base/text.h"
#include "mail/address.h"

namespace bounce {

namespace {

using client::Notice;

config::BounceKind kind_of(const client::NoticeRequest& request) {
  switch (request.notice) {
    case Notice::failure:
    case Notice::verp:
      return config::BounceKind::failure;
    case Notice::delay:
      return config::BounceKind::delay;
    case Notice::trace:
      break;
  }
  const bool asked_by_user = (request.flags & (queue::trace::kUserVerify | queue::trace::kRecord)) != 0;
  return asked_by_user ? config::BounceKind::verify : config::BounceKind::success;
}

// Recipients whose sender asked not to be told stay out; without DSN flags everyone is in.
std::vector<queue::StatusEntry> wanted(const std::vector<queue::StatusEntry>& entries, int flag) {
  std::vector<queue::StatusEntry> chosen;
  for (const queue::StatusEntry& entry : entries) {
    if (entry.notify == 0 || (entry.notify & flag) != 0) chosen.push_back(entry);
  }
  return chosen;
}

class Planner {
 public:
  Planner(const client::NoticeRequest& request, std::vector<queue::StatusEntry> entries, std::int64_t size,
          const Settings& settings)
      : request_(request), entries_(std::move(entries)), settings_(settings), kind_(kind_of(request)) {
    const bool too_large = size > settings.size_limit;
    // What a sender asked for is nothing to a postmaster, who gets what a null sender can not.
    const bool unwanted = request.return_flags == queue::dsn_return::kHeaders && !request.sender.empty();
    returned_ = too_large || unwanted ? Included::headers : Included::message;
  }

  Plan make() && {
    // What a notice for the postmaster meets on its way is told to nobody: that would be one more for the postmaster.
    if (base::equals_folded(request_.sender, settings_.double_bounce_address)) {
      plan_.dropped = true;
      return std::move(plan_);
    }
    switch (kind_) {
      case config::BounceKind::failure:
        failure();
        break;
      case config::BounceKind::delay:
        if (!request_.sender.empty()) to_sender(wanted(entries_, queue::notify::kDelay), Included::headers);
        if (settings_.copy_delays) to_postmaster(settings_.delay_recipient, Included::headers);
        break;
      case config::BounceKind::success:
      case config::BounceKind::verify:
        if (!request_.sender.empty()) {
          to_sender(entries_, Included::headers);
        } else if (settings_.copy_second_bounces) {
          // Worded as for the sender who cannot be told.
          plan_.letters.push_back({kind_, false, settings_.double_bounce_address, settings_.second_bounce_recipient,
                                   Included::headers, entries_});
        }
        break;
    }
    return std::move(plan_);
  }

 private:
  void failure() {
    if (request_.sender.empty()) {
      if (settings_.copy_second_bounces) to_postmaster(settings_.second_bounce_recipient, returned_);
    } else if (request_.notice == Notice::verp) {
      for (const queue::StatusEntry& entry : wanted(entries_, queue::notify::kFailure)) {
        // Under which the sender knows the recipient, not what an alias made of it.
        const std::string& known = entry.original_recipient.empty() ? entry.recipient : entry.original_recipient;
        to_sender({entry}, returned_, mail::verp_sender(request_.sender, request_.verp_delimiters, known));
      }
      if (settings_.copy_bounces) {
        for (const queue::StatusEntry& entry : entries_) postmaster_copy({entry});
      }
    } else {
      to_sender(wanted(entries_, queue::notify::kFailure), returned_);
      if (settings_.copy_bounces) postmaster_copy(entries_);
    }
  }

  void to_sender(std::vector<queue::StatusEntry> entries, Included included) {
    to_sender(std::move(entries), included, request_.sender);
  }
  void to_sender(std::vector<queue::StatusEntry> entries, Included included, std::string recipient) {
    if (entries.empty()) return;
    plan_.letters.push_back({kind_, false, "", std::move(recipient), included, std::move(entries)});
  }
  void to_postmaster(const std::string& recipient, Included included) {
    plan_.letters.push_back({kind_, true, settings_.double_bounce_address, recipient, included, entries_});
  }
  void postmaster_copy(std::vector<queue::StatusEntry> entries) {
    plan_.letters.push_back({kind_, true, settings_.double_bounce_address, settings_.bounce_recipient,
                             Included::headers, std::move(entries)});
  }

  const client::NoticeRequest& request_;
  std::vector<queue::StatusEntry> entries_;
  const Settings& settings_;
  config::BounceKind kind_;
  Included returned_ = Included::message;
  Plan plan_;
};

}  // namespace

Plan plan(const client::NoticeRequest& request, std::vector<queue::StatusEntry> entries, std::int64_t message_size,
          const Settings& settings) {
  return Planner(request, std::move(entries), message_size, settings).make();
}

std::string_view log_name(const Letter& letter) {
  switch (letter.kind) {
    case config::BounceKind::failure:
      return letter.for_postmaster ? "postmaster non-delivery notification" : "sender non-delivery notification";
    case config::BounceKind::delay:
      return letter.for_postmaster ? "postmaster delay notification" : "sender delay notification";
    case config::BounceKind::success:
    case config::BounceKind::verify:
      break;
  }
  return "sender delivery status notification";
}

}  // namespace bounce
