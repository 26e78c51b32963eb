#include "qmgr/feed.h"

namespace qmgr {

namespace {

constexpr std::size_t kMostAnnounced = 10'000;  // beyond that the folder is read instead

}  // namespace

void Feed::announce(queue::Id id) {
  if (announced_.size() < kMostAnnounced) {
    announced_.push_back(std::move(id));
  } else {
    incoming_.request({});
  }
}

void Feed::drop_announced() {
  if (announced_.empty()) return;
  announced_.clear();
  incoming_.request({});
}

void Feed::Source::request(const Wishes& wishes) {
  requested_ = true;
  requested_wishes_.ignore_times |= wishes.ignore_times;
  requested_wishes_.flush |= wishes.flush;
}

std::optional<Candidate> Feed::Source::next() {
  if (!scan_) {
    if (!requested_) return std::nullopt;
    scan_.emplace(spool_, folder_);
    wishes_ = std::exchange(requested_wishes_, {});
    requested_ = false;
  }
  if (auto id = scan_->next()) {
    return Candidate{std::move(*id), folder_, false, wishes_.ignore_times, wishes_.flush};
  }
  scan_.reset();
  return std::nullopt;  // the caller comes again when there was another request
}

std::optional<Candidate> Feed::next_new() {
  if (announced_.empty()) return incoming_.next();
  Candidate candidate{std::move(announced_.front()), queue::Folder::incoming, true};
  announced_.pop_front();
  return candidate;
}

std::optional<Candidate> Feed::next() {
  turn_of_deferred_ = !turn_of_deferred_;
  for (int tried = 0; tried < 2; ++tried) {
    const bool deferred = turn_of_deferred_ == (tried == 0);
    if (auto candidate = deferred ? deferred_.next() : next_new()) return candidate;
  }
  return std::nullopt;
}

}  // namespace qmgr
