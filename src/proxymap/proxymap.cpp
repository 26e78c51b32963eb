#include "proxymap/proxymap.h"

#include <map>

#include "base/text.h"
#include "config/param.h"
#include "io/netstring.h"
#include "io/stream.h"
#include "logging/log.h"
#include "table/open.h"

namespace proxymap {

namespace {

namespace param = config::param;

constexpr std::size_t kLongestRequest = 100000;
constexpr std::string_view kProxy = "proxy:";

class Server : public service::Server {
 public:
  explicit Server(const service::Context& context)
      : settings_(table::Settings::from(context.config)), timeout_(context.config[param::ipc_timeout]) {
    const bool writes = context.service_name == context.config[param::proxywrite_service_name];
    const std::string& approved = context.config[writes ? param::proxy_write_maps : param::proxy_read_maps];
    for (std::string_view name : base::split_grouped(approved)) {
      if (!name.starts_with(kProxy)) continue;
      while (name.starts_with(kProxy)) name.remove_prefix(kProxy.size());
      tables_.try_emplace(std::string(name));
    }
  }

  void serve(service::Client client) override {
    io::Stream stream(std::move(client.fd));
    while (true) {
      stream.set_deadline(io::Deadline::after(timeout_));
      if (stream.at_end()) return;
      const auto request = io::read_netstring(stream, kLongestRequest);
      if (!request) {
        logging::warning("proxymap.request", "bad request: {reason}", {{"reason", request.error()}});
        return;
      }
      stream.write(io::netstring(answer(*request)));
      stream.flush();
    }
  }

  std::string stale() override {
    for (const auto& [name, table] : tables_) {
      if (table && table->has_changed()) return name;
    }
    return {};
  }

 private:
  std::string answer(std::string_view request) {
    const auto blank = request.find(' ');
    const std::string_view name = request.substr(0, blank);
    const auto known = tables_.find(name);
    if (blank == std::string_view::npos || known == tables_.end()) {
      logging::warning("proxymap.unapproved", "request for unapproved table: \"{table}\"",
                       {{"table", base::printable(name)}});
      return fmt::format("PERM request for unapproved table \"{}\"; see proxy_read_maps", base::printable(name));
    }
    auto& table = known->second;
    if (!table) {
      auto opened = table::open(name, settings_);
      if (!opened) return failure(opened.error());
      table = std::move(*opened);
    }
    const std::shared_ptr<table::Table> asked = table;  // a look-up may wait
    const auto found = asked->lookup(request.substr(blank + 1));
    if (!found) return failure(found.error());
    return *found ? "OK " + **found : std::string("NOTFOUND ");
  }

  static std::string failure(const table::Error& error) {
    logging::warning("proxymap.lookup", "{reason}", {{"reason", error.text}});
    return fmt::format("{} {}", error.permanent ? "PERM" : "TEMP", error.text);
  }

  table::Settings settings_;
  base::Seconds timeout_;
  std::map<std::string, std::shared_ptr<table::Table>, std::less<>> tables_;  // those that are approved; null: not open
};

}  // namespace

std::unique_ptr<service::Server> open(const service::Context& context) {
  return std::make_unique<Server>(context);
}

}  // namespace proxymap
