#include "dns/resolver.h"

#include <algorithm>
#include <unordered_map>

#include "base/text.h"
#include "config/param.h"
#include "dns/cache.h"
#include "dns/exchange.h"
#include "dns/hosts.h"
#include "dns/names.h"
#include "dns/reply_filter.h"
#include "dns/resolv_conf.h"
#include "dns/watched_file.h"
#include "io/fiber.h"
#include "logging/log.h"

namespace dns {

namespace {

constexpr std::size_t kLargestResolvConf = 64 * 1024;
constexpr std::size_t kLargestHosts = 16 * 1024 * 1024;
constexpr std::size_t kMostAtOnce = 500;  // each has a socket
constexpr std::size_t kLongestShownName = 256;

std::unexpected<Failure> failure(Failure::Kind kind, std::string_view name, Type type, std::string_view why = {}) {
  if (why.empty()) why = dns_words({kind, {}});
  return std::unexpected(
      Failure{kind, fmt::format("Host or domain name not found. Name service error for name={} type={}: {}",
                                name.substr(0, kLongestShownName), name_of(type), why)});
}

std::unexpected<Failure> try_again(std::string_view name, Type type) {
  return failure(Failure::Kind::try_again, name, type);
}

std::unexpected<Failure> invalid_name(std::string_view name) {
  return std::unexpected(
      Failure{Failure::Kind::invalid, fmt::format("Name service error for {}: invalid host or domain name",
                                                  base::printable(name.substr(0, kLongestShownName)))});
}

std::string key_of(std::string_view name, Type type) {
  return fmt::format("{}:{}", static_cast<int>(type), name);
}

// One question that is under way, and those who wait for the same answer.
struct Pending {
  io::Condition ended;
  bool over = false;
  std::optional<Answer> answer;  // nothing when whoever asked has given up
};

}  // namespace

struct Resolver::State {
  explicit State(Options chosen)
      : options(std::move(chosen)),
        resolv_conf(options.resolv_conf, kLargestResolvConf),
        hosts_file(options.hosts, kLargestHosts),
        cache(options.cached_answers, options.cached_bytes) {
    look_at_files();
  }

  void look_at_files() {
    if (const auto text = resolv_conf.changed_content()) {
      ResolvConf read = parse_resolv_conf(*text);
      if (read.servers != conf.servers) cache.clear();
      conf = std::move(read);
    }
    if (const auto text = hosts_file.changed_content()) hosts = Hosts(*text);
  }

  // Without the filter. `name` is in ASCII form.
  Answer ask(const std::string& name, Type type, io::Deadline deadline);
  Answer resolve(const std::string& name, Type type, io::Deadline deadline, std::chrono::seconds& life);
  std::optional<Reply> exchange_once(const std::string& name, Type type, io::Deadline deadline);
  std::optional<Answer> known(const std::string& name, Type type) {
    return cache.find(key_of(name, type), io::Clock::now());
  }
  Answer filtered(Answer answer, std::string_view name, Type type) const {
    if (!answer || options.filter == nullptr) return answer;
    return options.filter->apply(std::move(*answer), name, type);
  }
  Answer answer_to(const Question& question, bool filter, io::Deadline deadline) {
    look_at_files();
    const std::string name = ascii_name(question.name, options.smtputf8);
    if (name.empty()) return invalid_name(question.name);
    Answer answer = ask(name, question.type, deadline);
    return filter ? filtered(std::move(answer), name, question.type) : answer;
  }

  Options options;
  WatchedFile resolv_conf, hosts_file;
  ResolvConf conf = parse_resolv_conf("");
  Hosts hosts;
  Cache cache;
  std::unordered_map<std::string, std::shared_ptr<Pending>> pending;
  io::Semaphore sockets{kMostAtOnce};
  std::size_t next_server = 0;
};

std::optional<Reply> Resolver::State::exchange_once(const std::string& name, Type type, io::Deadline deadline) {
  const ResolvConf servers = conf;  // the file may change while this one waits
  const std::size_t first = servers.rotate ? next_server++ % servers.servers.size() : 0;
  if (!io::in_fiber()) return exchange(servers, first, name, type, options.most_records, deadline);
  if (!sockets.acquire(deadline)) return std::nullopt;
  const io::Permit permit(sockets);
  return exchange(servers, first, name, type, options.most_records, deadline);
}

Answer Resolver::State::resolve(const std::string& name, Type type, io::Deadline deadline, std::chrono::seconds& life) {
  std::string end = name;
  int detours = 0;  // answers with aliases alone
  std::uint32_t ttl = ~std::uint32_t{0};
  while (true) {
    const auto reply = exchange_once(end, type, deadline);
    if (!reply) {
      life = options.cached_failures;
      return try_again(name, type);
    }
    life = std::chrono::seconds(std::min(ttl, reply->ttl));
    if (!reply->records.empty()) return reply->records;
    if (reply->code == 3) return failure(Failure::Kind::not_found, name, type);
    if (reply->unusable != 0) {
      return std::unexpected(
          Failure{reply->bad_names != 0 ? Failure::Kind::invalid : Failure::Kind::try_again,
                  fmt::format("Name service error for name={} type={}: Malformed or unexpected name server reply", name,
                              dns::name_of(type))});
    }
    if (reply->aliases > 0) ++detours;
    if (detours >= kMostAliases || reply->aliases >= kMostAliasesAtOnce) {
      logging::warning("dns.alias_loop", "dns_lookup: Name server loop for {name}", {{"name", name}});
      life = std::max(life, options.cached_failures);
      return std::unexpected(Failure{Failure::Kind::not_found, fmt::format("Name server loop for {}", name)});
    }
    // With a SOA record the server has looked at the end of the aliases itself.
    if (same_name(reply->end, end) || reply->ttl != 0) return failure(Failure::Kind::no_data, name, type);
    ttl = std::min(ttl, reply->alias_ttl);
    end = base::lower(reply->end);
  }
}

Answer Resolver::State::ask(const std::string& name, Type type, io::Deadline deadline) {
  const std::string key = key_of(name, type);
  const bool shared = io::in_fiber();
  while (true) {
    if (auto found = cache.find(key, io::Clock::now())) return std::move(*found);
    if (const auto other = pending.find(key); shared && other != pending.end()) {
      const std::shared_ptr<Pending> same = other->second;
      while (!same->over) {
        if (same->ended.wait(deadline) == io::Wakeup::timed_out && !same->over) return try_again(name, type);
      }
      if (same->answer) return *same->answer;
      continue;  // now it is for us to ask
    }
    // Whatever ends the asking, those who wait are told.
    struct Asking {
      State& state;
      const std::string& key;
      std::shared_ptr<Pending> mine = std::make_shared<Pending>();
      bool announced;
      Asking(State& of, const std::string& asked, bool announce) : state(of), key(asked), announced(announce) {
        if (announced) state.pending[key] = mine;
      }
      Asking(const Asking&) = delete;
      Asking& operator=(const Asking&) = delete;
      ~Asking() {
        if (!announced) return;
        state.pending.erase(key);
        mine->over = true;
        mine->ended.notify_all();
      }
    };
    const Asking asking(*this, key, shared);
    std::chrono::seconds life{0};
    Answer answer = resolve(name, type, deadline, life);
    // When it was only our own patience that ended, nothing is known for others.
    const bool gave_up = !answer && answer.error().kind == Failure::Kind::try_again && deadline.passed();
    if (!gave_up) {
      cache.put(key, answer, life, io::Clock::now());
      asking.mine->answer = answer;
    }
    return answer;
  }
}

Resolver::Options Resolver::Options::from(const config::Config& config, std::string_view program) {
  Options options;
  options.smtputf8 = config[config::param::smtputf8_enable];
  const std::string parameter = std::string(program) + "_dns_reply_filter";
  if (const auto value = config.value(parameter); value && !value->empty())
    options.filter = std::make_shared<ReplyFilter>(parameter, *value, table::Settings::from(config));
  return options;
}

Resolver::Resolver() : Resolver(Options()) {}
Resolver::Resolver(Options options) : state_(std::make_shared<State>(std::move(options))) {}
Resolver::~Resolver() = default;

Answer Resolver::ask(std::string_view name, Type type, io::Deadline deadline) {
  return state_->answer_to({std::string(name), type}, true, deadline);
}

std::vector<Answer> Resolver::ask_all(const std::vector<Question>& questions, io::Deadline deadline) {
  return answers_to(questions, true, deadline);
}

std::vector<Answer> Resolver::answers_to(const std::vector<Question>& questions, bool filter, io::Deadline deadline) {
  // What the others still write to when this fiber is cancelled.
  struct Work {
    std::shared_ptr<State> state;
    std::vector<Question> questions;
    std::vector<std::optional<Answer>> answers;
  };
  const auto work = std::make_shared<Work>(Work{state_, questions, {}});
  work->answers.resize(questions.size());
  const auto answer = [filter, deadline](Work& of, std::size_t index) {
    of.answers[index] = of.state->answer_to(of.questions[index], filter, deadline);
  };
  struct Fibers {
    std::vector<io::FiberHandle> handles;
    ~Fibers() {
      for (io::FiberHandle& handle : handles) {
        if (!handle.done()) handle.cancel();
      }
    }
  } fibers;
  if (io::in_fiber()) {
    for (std::size_t index = 1; index < questions.size(); ++index) {
      const std::string name = ascii_name(questions[index].name, state_->options.smtputf8);
      if (name.empty() || state_->known(name, questions[index].type)) continue;  // costs no fiber
      fibers.handles.push_back(io::spawn("dns", [work, answer, index] { answer(*work, index); }));
    }
    if (!questions.empty()) answer(*work, 0);
    for (io::FiberHandle& handle : fibers.handles) handle.join();
  }
  std::vector<Answer> answers;
  for (std::size_t index = 0; index < questions.size(); ++index) {
    if (!work->answers[index]) answer(*work, index);
    answers.push_back(std::move(*work->answers[index]));
  }
  return answers;
}

Answer Resolver::addresses_of(std::string_view host, Families families, io::Deadline deadline) {
  const bool v4 = families != Families::ipv6;
  const bool v6 = families != Families::ipv4;
  const auto wanted = [&](std::string_view address) { return address.contains(':') ? v6 : v4; };
  state_->look_at_files();
  if (const std::string literal = canonical_address(host); !literal.empty()) {
    const Type type = literal.contains(':') ? Type::aaaa : Type::a;
    if (wanted(literal)) return std::vector{Record{type, literal, 0, literal}};
    return failure(Failure::Kind::no_data, host, type);
  }
  std::vector<Record> records;
  const std::string name = ascii_name(host, state_->options.smtputf8);
  if (name.empty()) return invalid_name(host);
  for (const bool sixes : {false, true}) {
    for (const std::string& address : state_->hosts.addresses_of(name)) {
      if (address.contains(':') == sixes && wanted(address))
        records.push_back({sixes ? Type::aaaa : Type::a, name, 0, address});
    }
  }
  if (!records.empty()) return records;

  std::vector<Question> questions;
  if (v4) questions.push_back({name, Type::a});
  if (v6) questions.push_back({name, Type::aaaa});
  std::vector<Answer> answers = answers_to(questions, false, deadline);
  for (Answer& answer : answers) {
    if (answer) std::ranges::move(*answer, std::back_inserter(records));
  }
  if (!records.empty()) return records;
  // What cannot be known weighs more than what is so, and a name that is there more than one that is not.
  const auto rank = [](const Answer& answer) {
    switch (answer.error().kind) {
      case Failure::Kind::try_again:
        return 3;
      case Failure::Kind::invalid:
        return 2;
      case Failure::Kind::no_data:
        return 1;
      case Failure::Kind::not_found:
        return 0;
    }
    return 0;
  };
  return *std::ranges::max_element(answers, {}, rank);
}

Answer Resolver::name_of(std::string_view address, io::Deadline deadline) {
  const std::string name = reverse_name(address);
  if (name.empty()) return invalid_name(address);
  state_->look_at_files();
  if (const std::string& known = state_->hosts.name_of(address); !known.empty())
    return std::vector{Record{Type::ptr, name, 0, known}};
  Answer answer = state_->answer_to({name, Type::ptr}, false, deadline);
  if (answer) answer->resize(1);
  return answer;
}

}  // namespace dns
