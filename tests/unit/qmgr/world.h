#pragma once
// A queue without disk, clock and agents: messages that the scheduler works on, and a clock that tests turn.

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "qmgr/scheduler/scheduler.h"

namespace qmgr::scheduler {

struct World {
  struct Mail : Message {
    std::string name;
  };

  explicit World(const TransportSettings& settings = {}, const Settings& general = {})
      : scheduler(general, [this](std::string_view name) {
          const auto found = by_name.find(std::string(name));
          return found == by_name.end() ? common : found->second;
        }) {
    common = settings;
  }

  ~World() {
    finish_all(Scheduler::Result::broken);
    condemned();
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // A message for recipients "user@domain", all of the transport.
  Mail& mail(const std::string& name, const std::vector<std::string>& recipients,
             const std::string& transport = "smtp") {
    Mail& message = mails.emplace_back();
    message.name = name;
    scheduler.add(message, now);
    for (const std::string& recipient : recipients) assign(message, recipient, transport);
    scheduler.set_unread(message, 0, now);
    return message;
  }
  void assign(Mail& message, const std::string& recipient, const std::string& transport = "smtp") {
    const std::string domain = recipient.substr(recipient.find('@') + 1);
    scheduler.assign(message, transport, domain, domain, recipient, now);
  }
  // One recipient at each of so many domains.
  static std::vector<std::string> spread(int count, const std::string& prefix) {
    std::vector<std::string> recipients;
    for (int i = 0; i < count; ++i) recipients.push_back("u@" + prefix + std::to_string(i));
    return recipients;
  }
  static std::vector<std::string> at(const std::string& domain, int count) {
    std::vector<std::string> recipients;
    for (int i = 0; i < count; ++i) recipients.push_back("u" + std::to_string(i) + "@" + domain);
    return recipients;
  }

  Entry* start() {
    Entry* const entry = scheduler.select(now);
    if (entry != nullptr) running.push_back(entry);
    return entry;
  }
  int start_all() {
    int count = 0;
    while (start() != nullptr) ++count;
    return count;
  }
  static const std::string& name_of(const Entry& entry) { return static_cast<const Mail*>(entry.message)->name; }
  void finish(Entry* entry, Scheduler::Result result = Scheduler::Result::reached,
              const Suspension& why = {"4.4.1", "connect: refused"}) {
    std::erase(running, entry);
    scheduler.finish(*entry, result, why, now);
  }
  void finish_all(Scheduler::Result result = Scheduler::Result::reached) {
    while (!running.empty()) finish(running.front(), result);
  }
  // Each that ends makes room for the next.
  void finish_round(Scheduler::Result result = Scheduler::Result::reached) {
    for (auto left = running.size(); left > 0; --left) {
      finish(running.front(), result);
      start_all();
    }
  }
  // Delivers one at a time until nothing is left: whose turn it was.
  std::string sequence() {
    std::string names;
    while (Entry* entry = start()) {
      names += name_of(*entry);
      finish(entry);
    }
    return names;
  }
  // The reasons told to what will not be delivered now.
  std::vector<Suspension> condemned() {
    std::vector<Suspension> reasons;
    while (auto one = scheduler.next_condemned()) {
      reasons.push_back(*one->why);
      scheduler.finish_condemned(*one->entry);
    }
    return reasons;
  }
  void advance(Time by) {
    now += by;
    scheduler.advance(now);
  }
  const Destination* destination(const std::string& domain, const std::string& transport = "smtp") const {
    return scheduler.find_destination(transport, domain);
  }

  TransportSettings common;
  std::map<std::string, TransportSettings> by_name;
  Time now = kSecond;
  Scheduler scheduler;
  std::deque<Mail> mails;
  std::vector<Entry*> running;
};

}  // namespace qmgr::scheduler
