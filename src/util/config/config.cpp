#include "config/config.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <unordered_map>

#include "base/text.h"
#include "config/expand.h"
#include "config/mail_origin.h"
#include "config/own_networks.h"
#include "config/param.h"
#include "config/registry.h"
#include "config/typed.h"

namespace config {

namespace {

constexpr std::string_view kConfigDirectory = "config_directory";

std::string_view built_in_directory() {
  return parameter(param::config_directory.index).default_value;
}

// The defaults that this thread is computing. Inside its own computation a name has no value: with `mydomain =
// ${myhostname}` the name of the host is looked at as if it were not there, instead of going in circles.
thread_local std::vector<std::string_view> computing;

struct Computation {
  explicit Computation(std::string_view name) { computing.push_back(name); }
  ~Computation() { computing.pop_back(); }
  Computation(const Computation&) = delete;
  Computation& operator=(const Computation&) = delete;
};

// A command that runs with more rights than its caller must not let him choose its configuration, unless the
// administrator named that directory.
std::expected<void, base::Error> check_directory(const std::string& directory) {
  const bool is_privileged = ::geteuid() != ::getuid() || ::getegid() != ::getgid();
  if (!is_privileged || ::getuid() == 0 || directory == built_in_directory()) return {};
  const std::string path = std::string(built_in_directory()) + "/main.cf";
  auto main_cf = read_main_cf(path);
  if (!main_cf) return std::unexpected(main_cf.error());
  for (const char* name : {"alternate_config_directories", "multi_instance_directories"}) {
    const auto setting = main_cf->settings.find(name);
    if (setting == main_cf->settings.end()) continue;
    for (const auto allowed : base::split(setting->second.value)) {
      if (allowed == directory) return {};
    }
  }
  return std::unexpected(base::Error{"configuration directory \"" + base::printable(directory) +
                                     "\" is not authorized: it is not listed in alternate_config_directories or "
                                     "multi_instance_directories of " +
                                     path});
}

}  // namespace

struct Config::State {
  Source source;
  Settings settings;
  std::vector<Remark> remarks;

  mutable std::mutex mutex;  // for what follows: made at first use, never changed
  mutable std::map<std::string, std::string, std::less<>> computed;
  mutable std::unordered_map<std::uint16_t, std::string> expanded;
  mutable std::unique_ptr<State> defaults;  // with nothing set, for default_of

  std::optional<std::string_view> lookup(std::string_view name) const;
  std::string_view compute(std::string_view name) const;
  std::string computed_value(std::string_view name) const;
  std::string value_of(std::string_view name) const;
  std::expected<std::string, base::Error> expand(std::string_view text) const;
  const std::string& expanded_value(std::uint16_t index) const;
  std::string place(std::string_view name) const;
  std::int64_t number(const Parameter& row, std::string_view name, const std::string& value) const;
  std::int64_t number(std::uint16_t index) const {
    return number(parameter(index), parameter(index).name, expanded_value(index));
  }
  const State& without_settings() const;
};

// The text of a parameter before expansion. The view lives as long as the state.
std::optional<std::string_view> Config::State::lookup(std::string_view name) const {
  const Parameter* known = find_parameter(name);
  if (known != nullptr && known->kind == Kind::read_only) return compute(known->default_value.substr(1));
  if (const auto setting = settings.find(name); setting != settings.end()) return setting->second.value;
  if (known == nullptr) known = find_family(name);
  if (known == nullptr || known->kind == Kind::obsolete || known->kind == Kind::function) return std::nullopt;
  if (!known->default_value.starts_with('@')) return known->default_value;
  if (std::ranges::find(computing, known->default_value.substr(1)) != computing.end()) return std::nullopt;
  return compute(known->default_value.substr(1));
}

std::string_view Config::State::compute(std::string_view name) const {
  {
    const std::lock_guard lock(mutex);
    if (const auto found = computed.find(name); found != computed.end()) return found->second;
  }
  const Computation running(name);
  std::string value = computed_value(name);
  const std::lock_guard lock(mutex);
  return computed.try_emplace(std::string(name), std::move(value)).first->second;
}

std::string Config::State::computed_value(std::string_view name) const {
  auto or_throw = [&](auto result) {
    if (!result) throw BadValue("the default of " + std::string(name) + ": " + result.error().text);
    return std::move(*result);
  };
  if (name == "myhostname") {
    return or_throw(own_hostname(settings.contains("mydomain") ? value_of("mydomain") : std::string(kDefaultDomain)));
  }
  if (name == "mydomain") return domain_of(value_of("myhostname"));
  if (name == "mynetworks") {
    const auto chosen = or_throw(
        choose_addresses(or_throw(interface_addresses()), value_of("inet_interfaces"), value_of("inet_protocols")));
    return or_throw(networks_text(chosen, value_of("mynetworks_style")));
  }
  if (name == "process_id") return std::to_string(::getpid());
  if (name == "process_name") return source.process_name;
  if (name == "service_name") return source.service_name;
  if (name == "mail_version") return std::string(kMailVersion);
  if (name == "mail_release_date") return std::string(kMailReleaseDate);
  throw BadValue("nobody computes the default @" + std::string(name));
}

std::expected<std::string, base::Error> Config::State::expand(std::string_view text) const {
  return config::expand(text, [this](std::string_view name) { return lookup(name); });
}

std::string Config::State::value_of(std::string_view name) const {
  const auto text = lookup(name).value_or(std::string_view());
  auto value = expand(text);
  if (!value) throw BadValue(place(name) + ": " + value.error().text);
  return std::move(*value);
}

const std::string& Config::State::expanded_value(std::uint16_t index) const {
  {
    const std::lock_guard lock(mutex);
    if (const auto found = expanded.find(index); found != expanded.end()) return found->second;
  }
  const Parameter& row = parameter(index);
  std::string value = row.type == Type::raw ? std::string(lookup(row.name).value_or("")) : value_of(row.name);
  if (index == param::myorigin.index) {
    auto origin = mail_origin(value);
    if (!origin) throw BadValue(place(row.name) + ": " + origin.error().text);
    value = std::move(*origin);
  }
  const std::lock_guard lock(mutex);
  return expanded.try_emplace(index, std::move(value)).first->second;
}

// "/etc/postfix/main.cf, line 12: smtpd_timeout = $stress"
std::string Config::State::place(std::string_view name) const {
  constexpr std::size_t kShown = 200;
  const auto setting = settings.find(name);
  const bool is_set = setting != settings.end();
  const std::string where = is_set ? setting->second.where.text() : source.directory + "/main.cf";
  const std::string_view text = lookup(name).value_or(std::string_view());
  return where + ": " + base::printable(name) + " = " + base::printable(text.substr(0, kShown)) +
         (text.size() > kShown ? "..." : "") + (is_set ? "" : " (the default)");
}

std::int64_t Config::State::number(const Parameter& row, std::string_view name, const std::string& value) const {
  const auto number = measure(row, value);
  if (number) return *number;
  const auto text = lookup(name).value_or(std::string_view());
  throw BadValue(place(name) + (value == text ? "" : ", that is \"" + base::printable(value) + "\"") + ": " +
                 number.error());
}

const Config::State& Config::State::without_settings() const {
  const std::lock_guard lock(mutex);
  if (!defaults) {
    defaults = std::make_unique<State>();
    defaults->source = source;
  }
  return *defaults;
}

// --- loading
// --------------------------------------------------------------------------------------------------------------------

Config::Config(std::unique_ptr<State> state) : state_(std::move(state)) {}
Config::Config(Config&&) noexcept = default;
Config& Config::operator=(Config&&) noexcept = default;
Config::~Config() = default;

std::string choose_directory(std::string_view from_option) {
  if (!from_option.empty()) return std::string(from_option);
  const char* from_environment = ::getenv("MAIL_CONFIG");
  if (from_environment != nullptr && *from_environment != '\0') return from_environment;
  return std::string(built_in_directory());
}

std::expected<Config, base::Error> Config::load(const Source& source) {
  const std::string directory = choose_directory(source.directory);
  if (auto allowed = check_directory(directory); !allowed) return std::unexpected(allowed.error());
  const std::string path = directory + "/main.cf";
  auto main_cf = read_main_cf(path);
  if (!main_cf) {
    const bool is_absent = ::access(path.c_str(), F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
    if (!source.main_cf_may_be_absent || !is_absent) return std::unexpected(main_cf.error());
    main_cf.emplace();
  }
  Config config = from_main_cf(std::move(*main_cf), directory, source);
  config.read_origin();
  return config;
}

// While the file can be reached: not when we have changed root and user. An error is told when the value is used.
void Config::read_origin() const {
  const auto setting = settings().find(parameter(param::myorigin.index).name);
  if (setting == settings().end() || setting->second.value.find_first_of("/$") == std::string::npos) return;
  try {
    static_cast<void>((*this)[param::myorigin]);
  } catch (const BadValue&) {
  }
}

std::expected<Config, base::Error> Config::from_text(std::string_view main_cf, const Source& source) {
  const std::string directory = source.directory.empty() ? std::string(built_in_directory()) : source.directory;
  auto parsed = parse_main_cf(main_cf, directory + "/main.cf");
  if (!parsed) return std::unexpected(parsed.error());
  return from_main_cf(std::move(*parsed), directory, source);
}

Config Config::from_main_cf(MainCf main_cf, const std::string& directory, const Source& source) {
  auto state = std::make_unique<State>();
  state->source = source;
  state->source.directory = directory;
  state->settings = std::move(main_cf.settings);
  state->remarks = std::move(main_cf.remarks);
  auto& settings = state->settings;
  for (const auto& [name, value] : source.overrides) settings[name] = {value, {"-o", 0}};

  for (const Key<Type::text> key : {param::process_id, param::process_name, param::service_name}) {
    const auto setting = settings.find(parameter(key.index).name);
    if (setting == settings.end()) continue;
    state->remarks.push_back(
        {"config.read_only", setting->second.where,
         "read-only parameter assignment: " + setting->first + "=" + base::printable(setting->second.value)});
    settings.erase(setting);
  }
  if (const auto setting = settings.find(kConfigDirectory); setting != settings.end()) {
    state->remarks.push_back({"config.overridden", setting->second.where,
                              "overriding earlier entry: config_directory=" + base::printable(directory)});
  } else if (directory != built_in_directory()) {
    settings.emplace(kConfigDirectory, Setting{directory, {}});
  }
  return Config(std::move(state));
}

// --- values
// ---------------------------------------------------------------------------------------------------------------------

const std::string& Config::operator[](TextKey key) const {
  state_->number(key.index);
  return state_->expanded_value(key.index);
}
const std::string& Config::operator[](RawKey key) const {
  state_->number(key.index);
  return state_->expanded_value(key.index);
}
bool Config::operator[](BooleanKey key) const {
  return state_->number(key.index) != 0;
}
int Config::operator[](IntegerKey key) const {
  return static_cast<int>(state_->number(key.index));
}
long Config::operator[](BigIntegerKey key) const {
  return state_->number(key.index);
}
base::Seconds Config::operator[](TimeKey key) const {
  return base::Seconds(state_->number(key.index));
}

std::optional<std::string> Config::raw(std::string_view name) const {
  const auto text = state_->lookup(name);
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

std::optional<std::string> Config::value(std::string_view name) const {
  if (!state_->lookup(name)) return std::nullopt;
  return state_->value_of(name);
}

std::optional<std::string> Config::default_of(std::string_view name) const {
  const auto text = state_->without_settings().lookup(name);
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

int Config::integer_of(std::string_view transport, IntegerKey family) const {
  const Parameter& row = parameter(family.index);
  const std::string name = std::string(transport) + std::string(row.name);
  return static_cast<int>(state_->number(row, name, state_->value_of(name)));
}

base::Seconds Config::time_of(std::string_view transport, TimeKey family) const {
  const Parameter& row = parameter(family.index);
  const std::string name = std::string(transport) + std::string(row.name);
  return base::Seconds(state_->number(row, name, state_->value_of(name)));
}

std::string Config::text_of(std::string_view transport, TextKey family) const {
  const Parameter& row = parameter(family.index);
  const std::string name = std::string(transport) + std::string(row.name);
  std::string value = state_->value_of(name);
  state_->number(row, name, value);
  return value;
}

std::expected<std::string, base::Error> Config::expand(std::string_view text) const {
  try {
    return state_->expand(text);
  } catch (const BadValue& bad) {
    return std::unexpected(base::Error{bad.what()});
  }
}

const std::string& Config::directory() const {
  return state_->source.directory;
}
const Settings& Config::settings() const {
  return state_->settings;
}
const std::vector<Remark>& Config::remarks() const {
  return state_->remarks;
}

void Config::check_value(std::string_view name, const Parameter& row) const {
  if (row.type == Type::raw) {
    state_->number(row, name, raw(name).value_or(""));
    return;
  }
  if (name == parameter(param::myorigin.index).name) static_cast<void>((*this)[param::myorigin]);
  const std::string text = state_->value_of(name);
  state_->number(row, name, text);
  if (name != "compatibility_level") return;
  if (const auto level = compare_levels(text, "0"); !level)
    throw BadValue(state_->place(name) + ": " + level.error().text);
}

void Config::import_environment() const {
  std::vector<NameValue> kept;
  const std::string& list = (*this)[param::import_environment];
  for (std::string_view item : base::split_grouped(list)) {
    if (item.starts_with('{') && item.ends_with('}')) item = base::trim(item.substr(1, item.size() - 2));
    const auto equals = item.find('=');
    if (equals != std::string_view::npos) {
      kept.push_back({std::string(base::trim_right(item.substr(0, equals))),
                      std::string(base::trim_left(item.substr(equals + 1)))});
    } else if (const char* value = ::getenv(std::string(item).c_str()); value != nullptr) {
      kept.push_back({std::string(item), value});
    }
  }
  ::clearenv();
  for (const auto& [name, value] : kept) {
    if (!name.empty()) ::setenv(name.c_str(), value.c_str(), 1);
  }
}

}  // namespace config
