#include "routing/rewriter.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/old_defaults.h"
#include "config/param.h"

namespace routing {

namespace {

namespace param = config::param;
using Tokens = std::vector<mail::Token>;

Tokens::iterator first(Tokens& tokens, char special) {
  return std::ranges::find_if(tokens, [&](const mail::Token& token) { return token.is(special); });
}
Tokens::iterator last(Tokens& tokens, char special) {
  const auto found = std::find_if(tokens.rbegin(), tokens.rend(), [&](const auto& token) { return token.is(special); });
  return found == tokens.rend() ? tokens.end() : std::prev(found.base());
}

mail::Token special(char c) {
  return {mail::TokenKind::special, std::string(1, c)};
}

void append(Tokens& tokens, std::string_view text) {
  for (auto& token : mail::tokenize(text, text.size())) tokens.push_back(std::move(token));
}

// Tells the observer what a rule did to an address, when there is one.
class Step {
 public:
  Step(Observer* observer, std::string_view rule, const Tokens& tokens) : observer_(observer), rule_(rule) {
    if (observer_ != nullptr) before_ = mail::internal_text(tokens);
  }
  void done(const Tokens& tokens) const {
    if (observer_ != nullptr) observer_->rewrote(rule_, before_, mail::internal_text(tokens));
  }

 private:
  Observer* observer_;
  std::string_view rule_;
  std::string before_;
};

}  // namespace

Rewriter::Rewriter(const config::Config& config)
    : swap_bangpath_(config[param::swap_bangpath]),
      allow_percent_hack_(config[param::allow_percent_hack]),
      append_at_myorigin_(config[param::append_at_myorigin]),
      append_dot_mydomain_(config[param::append_dot_mydomain]),
      old_append_dot_mydomain_(config::has_old_default(config, "append_dot_mydomain", "1")),
      myorigin_(config[param::myorigin]),
      mydomain_(config[param::mydomain]),
      remote_domain_(config[param::remote_header_rewrite_domain]) {}

bool Rewriter::is_route(const Tokens& local_part) const {
  return std::ranges::any_of(local_part, [&](const mail::Token& token) {
    return token.is('@') || (swap_bangpath_ && token.is('!')) || (allow_percent_hack_ && token.is('%'));
  });
}

bool Rewriter::hides_route(const Tokens& local_part) const {
  if (local_part.size() != 1 || local_part[0].kind != mail::TokenKind::quoted_string) return false;
  const std::string& text = local_part[0].text;
  return text.contains('@') || (swap_bangpath_ && text.contains('!')) || (allow_percent_hack_ && text.contains('%'));
}

Tokens Rewriter::without_quotes(std::string text) const {
  auto at = text.rfind('@');
  if (at == std::string::npos && allow_percent_hack_) at = text.rfind('%');
  if (at == std::string::npos) return mail::tokenize(text, text.size());
  Tokens tokens = {{mail::TokenKind::quoted_string, text.substr(0, at)}, special('@')};
  append(tokens, std::string_view(text).substr(at + 1));
  return tokens;
}

std::string Rewriter::internal_form(Context context, std::string_view address, Observer* observer) const {
  Tokens tokens = mail::tokenize(address, address.size());
  rewrite(context, tokens, observer);
  return mail::internal_text(tokens);
}

void Rewriter::rewrite(Context context, Tokens& tokens, Observer* observer) const {
  const std::string_view origin = context == Context::local ? myorigin_ : remote_domain_;
  const std::string_view domain = context == Context::local ? mydomain_ : remote_domain_;

  // The null address.
  if (tokens.size() == 1 && tokens[0].is('@')) tokens.clear();
  if (tokens.empty()) return;
  if (tokens.size() == 1 && tokens[0].kind == mail::TokenKind::quoted_string && tokens[0].text.empty()) return;

  // @a,@b:user@domain
  if (tokens[0].is('@')) {
    if (const auto colon = first(tokens, ':'); colon != tokens.end() && std::next(colon) != tokens.end()) {
      const Step step(observer, "source route", tokens);
      tokens.erase(tokens.begin(), std::next(colon));
      step.done(tokens);
    }
  }
  if (last(tokens, '@') == tokens.end()) {
    const auto bang = swap_bangpath_ ? first(tokens, '!') : tokens.end();
    const auto percent = allow_percent_hack_ ? last(tokens, '%') : tokens.end();
    if (bang != tokens.end()) {
      const Step step(observer, "swap_bangpath", tokens);
      *bang = special('@');
      std::rotate(tokens.begin(), bang, std::next(bang));          // @ site user
      std::rotate(tokens.begin(), std::next(bang), tokens.end());  // user @ site
      step.done(tokens);
    } else if (percent != tokens.end()) {
      const Step step(observer, "allow_percent_hack", tokens);
      *percent = special('@');
      step.done(tokens);
    } else if (append_at_myorigin_ && !origin.empty()) {
      const Step step(observer, context == Context::local ? "append_at_myorigin" : "remote_header_rewrite_domain",
                      tokens);
      tokens.push_back(special('@'));
      append(tokens, origin);
      step.done(tokens);
    }
  }
  if (const auto at = last(tokens, '@'); append_dot_mydomain_ && !domain.empty() && at != tokens.end()) {
    const auto host = std::next(at);
    const bool is_bare = std::none_of(host, tokens.end(), [](const mail::Token& token) {
      return token.is('.') || token.kind == mail::TokenKind::domain_literal;
    });
    if (host != tokens.end() && is_bare) {
      const Step step(observer, "append_dot_mydomain", tokens);
      if (old_append_dot_mydomain_ && observer == nullptr && context == Context::local) {
        const std::string bare = mail::internal_text({host, tokens.end()});
        config::log_old_default(fmt::format("append_dot_mydomain=yes to rewrite \"{0}\" to \"{0}.{1}\"{2}", bare,
                                            domain,
                                            base::equals_folded(bare, "localhost")
                                                ? "; please add \"localhost\" to mydestination or other address class"
                                                : ""));
      }
      tokens.push_back(special('.'));
      append(tokens, domain);
      step.done(tokens);
    }
  }
  if (tokens.size() > 1 && tokens.back().is('.') && !tokens[tokens.size() - 2].is('.') &&
      !tokens[tokens.size() - 2].is('@')) {
    const Step step(observer, "trailing dot", tokens);
    tokens.pop_back();
    step.done(tokens);
  }
}

}  // namespace routing
