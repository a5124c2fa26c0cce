// Lexer and recursive-descent parser of the expression language.
#include "config/expression.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include <fmt/format.h>

#include "config/diagnostic.h"

namespace ebb {
namespace {

enum class Token : uint8_t { kEnd, kNumber, kDuration, kText, kWord, kSymbol, kError };

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Confined to its task's thread.
class ExpressionParser {
 public:
  ExpressionParser(std::string_view text, std::vector<ExpressionIssue>* issues) : text_(text), issues_(issues) {
    out_.source = std::string(text);
  }

  Expression Parse() {
    Advance();
    if (token_ == Token::kEnd) Fail("E0401", 0, text_.size(), "the expression is empty", "");
    int root = ParseOr();
    if (!failed_ && token_ != Token::kEnd) FailUnexpected();
    out_.root = failed_ ? -1 : root;
    return std::move(out_);
  }

 private:
  // --- tokens ---

  void Advance() {
    previous_end_ = token_end_;
    size_t i = token_end_;
    while (i < text_.size() && IsSpace(text_[i])) ++i;
    token_begin_ = i;
    token_end_ = i;
    if (i == text_.size()) {
      token_ = Token::kEnd;
    } else if (IsDigit(text_[i]) || (text_[i] == '.' && i + 1 < text_.size() && IsDigit(text_[i + 1]))) {
      ReadNumber();
    } else if (IsLetter(text_[i])) {
      SkipWord();
      if (token_end_ + 1 < text_.size() && text_[token_end_] == '.' && IsLetter(text_[token_end_ + 1])) {
        ++token_end_;
        SkipWord();
      }
      token_ = Token::kWord;
    } else if (text_[i] == '\'' || text_[i] == '"') {
      ReadText(text_[i]);
    } else {
      ReadSymbol();
    }
  }

  void SkipWord() {
    while (token_end_ < text_.size() && (IsLetter(text_[token_end_]) || IsDigit(text_[token_end_]))) ++token_end_;
  }

  void ReadNumber() {
    size_t i = token_begin_;
    while (i < text_.size() && (IsDigit(text_[i]) || text_[i] == '.')) ++i;
    bool exponent = i + 1 < text_.size() && (text_[i] == 'e' || text_[i] == 'E') &&
                    (IsDigit(text_[i + 1]) || text_[i + 1] == '-' || text_[i + 1] == '+');
    if (exponent) {
      i += 2;
      while (i < text_.size() && IsDigit(text_[i])) ++i;
    }
    size_t digits_end = i;
    while (i < text_.size() && (IsLetter(text_[i]) || IsDigit(text_[i]) || text_[i] == '.')) ++i;
    token_end_ = i;
    if (i > digits_end) return ReadDuration();
    std::string digits(text_.substr(token_begin_, i - token_begin_));
    bool percent = i < text_.size() && text_[i] == '%';
    if (percent) {
      token_end_ = i + 1;
      digits += exponent ? "" : "e-2";
    }
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number_);
    bool whole = error == std::errc() && end == digits.data() + digits.size() && !(percent && exponent);
    if (!whole) return FailToken("E0401", fmt::format("{} isn't a number", Quoted(Shown())), "");
    token_ = Token::kNumber;
  }

  void ReadDuration() {
    std::optional<DurationMs> duration = ParseDuration(Shown());
    if (!duration) {
      return FailToken("E0402", fmt::format("{} has no unit that is known", Quoted(Shown())),
                       "the units are ms, s, m, h, d, w");
    }
    number_ = static_cast<double>(*duration);
    token_ = Token::kDuration;
  }

  void ReadText(char quote) {
    size_t close = text_.find(quote, token_begin_ + 1);
    if (close == std::string_view::npos) {
      token_end_ = text_.size();
      return FailToken("E0401", "this text isn't closed", fmt::format("close it with {}", quote));
    }
    token_end_ = close + 1;
    token_ = Token::kText;
  }

  void ReadSymbol() {
    static constexpr std::string_view kSymbols[] = {"<=", ">=", "==", "!=", "<", ">", "+",
                                                    "-",  "*",  "/",  "(",  ")", ","};
    std::string_view rest = text_.substr(token_begin_);
    for (std::string_view symbol : kSymbols) {
      if (rest.substr(0, symbol.size()) == symbol) {
        token_end_ = token_begin_ + symbol.size();
        token_ = Token::kSymbol;
        return;
      }
    }
    static constexpr std::pair<std::string_view, std::string_view> kOthers[] = {{"&&", "write and"},
                                                                                {"||", "write or"},
                                                                                {"!", "write not"},
                                                                                {"=", "write == to compare"},
                                                                                {"%", "a percentage is written 5%"}};
    for (auto [symbol, hint] : kOthers) {
      if (rest.substr(0, symbol.size()) == symbol) {
        token_end_ = token_begin_ + symbol.size();
        return FailToken("E0401", fmt::format("{} isn't an operator here", Quoted(symbol)), std::string(hint));
      }
    }
    token_end_ = token_begin_ + 1;
    while (token_end_ < text_.size() && (static_cast<unsigned char>(text_[token_end_]) & 0xC0) == 0x80) ++token_end_;
    FailToken("E0401", fmt::format("{} can't stand in an expression", Quoted(Shown())), "");
  }

  std::string_view Shown() const { return text_.substr(token_begin_, token_end_ - token_begin_); }
  bool IsToken(Token token, std::string_view text) const { return token_ == token && Shown() == text; }
  bool IsSymbol(std::string_view text) const { return IsToken(Token::kSymbol, text); }
  bool IsWord(std::string_view text) const { return IsToken(Token::kWord, text); }

  // --- errors: the first one ends the parse, every rule then returns at once ---

  int Fail(std::string_view code, size_t begin, size_t end, std::string message, std::string hint) {
    if (!failed_) issues_->push_back({code, begin, end, std::move(message), std::move(hint), {}});
    failed_ = true;
    token_ = Token::kError;
    return 0;
  }
  void FailToken(std::string_view code, std::string message, std::string hint) {
    Fail(code, token_begin_, token_end_, std::move(message), std::move(hint));
  }
  int FailUnexpected(std::string_view expected = "") {
    std::string message = token_ == Token::kEnd ? "the expression ends too early"
                                                : fmt::format("{} isn't expected here", Quoted(Shown()));
    std::string hint = expected.empty() ? "" : fmt::format("expected {}", expected);
    if (expected.empty() && token_ == Token::kText) hint = "an operator is missing before the text";
    return Fail("E0401", token_begin_, std::max(token_end_, token_begin_), std::move(message), std::move(hint));
  }
  bool Expect(std::string_view symbol) {
    if (failed_ || !IsSymbol(symbol)) {
      if (!failed_) FailUnexpected(Quoted(symbol));
      return false;
    }
    Advance();
    return true;
  }

  // --- rules: each returns the index of its node ---

  int Make(ExprKind kind, size_t begin, std::vector<int> children) {
    ExprNode node;
    node.kind = kind;
    node.begin = begin;
    node.end = previous_end_;
    node.children = std::move(children);
    out_.nodes.push_back(std::move(node));
    return static_cast<int>(out_.nodes.size()) - 1;
  }
  size_t BeginOf(int node) const { return out_.nodes.empty() ? 0 : out_.nodes[node].begin; }

  int ParseOr() {
    int left = ParseAnd();
    while (!failed_ && IsWord("or")) {
      Advance();
      int right = ParseAnd();
      if (!failed_) left = Make(ExprKind::kOr, BeginOf(left), {left, right});
    }
    return left;
  }

  int ParseAnd() {
    int left = ParseNot();
    while (!failed_ && IsWord("and")) {
      Advance();
      int right = ParseNot();
      if (!failed_) left = Make(ExprKind::kAnd, BeginOf(left), {left, right});
    }
    return left;
  }

  int ParseNot() {
    if (failed_ || !IsWord("not")) return ParseComparison();
    if (!Deeper()) return 0;
    size_t begin = token_begin_;
    Advance();
    int child = ParseNot();
    --depth_;
    return failed_ ? 0 : Make(ExprKind::kNot, begin, {child});
  }

  static const ExprKind* FindComparison(std::string_view symbol) {
    static constexpr std::pair<std::string_view, ExprKind> kComparisons[] = {
        {"<", ExprKind::kLess},          {"<=", ExprKind::kLessEqual}, {">", ExprKind::kGreater},
        {">=", ExprKind::kGreaterEqual}, {"==", ExprKind::kEqual},     {"!=", ExprKind::kNotEqual}};
    for (const auto& [text, kind] : kComparisons) {
      if (text == symbol) return &kind;
    }
    return nullptr;
  }

  int ParseComparison() {
    int left = ParseSum();
    if (failed_) return 0;
    if (IsWord("in")) return ParseIn(left);
    const ExprKind* kind = token_ == Token::kSymbol ? FindComparison(Shown()) : nullptr;
    if (kind == nullptr) return left;
    Advance();
    int right = ParseSum();
    if (failed_) return 0;
    if (token_ == Token::kSymbol && FindComparison(Shown()) != nullptr) {
      FailToken("E0401", "comparisons can't be chained", "write a < b and b < c");
      return 0;
    }
    return Make(*kind, BeginOf(left), {left, right});
  }

  int ParseIn(int value) {
    Advance();
    std::vector<int> children = {value};
    if (!Expect("(")) return 0;
    ParseList(&children);
    if (failed_) return 0;
    return Make(ExprKind::kIn, BeginOf(value), std::move(children));
  }

  // Items up to and with the closing parenthesis.
  void ParseList(std::vector<int>* children) {
    if (!Deeper()) return;
    if (!IsSymbol(")")) {
      children->push_back(ParseOr());
      while (!failed_ && IsSymbol(",")) {
        Advance();
        children->push_back(ParseOr());
      }
    }
    --depth_;
    if (!failed_ && !IsSymbol(")")) {
      FailUnexpected("',' or ')'");
      return;
    }
    Expect(")");
  }

  int ParseSum() {
    int left = ParseProduct();
    while (!failed_ && (IsSymbol("+") || IsSymbol("-"))) {
      ExprKind kind = IsSymbol("+") ? ExprKind::kAdd : ExprKind::kSubtract;
      Advance();
      int right = ParseProduct();
      if (!failed_) left = Make(kind, BeginOf(left), {left, right});
    }
    return left;
  }

  int ParseProduct() {
    int left = ParseSign();
    while (!failed_ && (IsSymbol("*") || IsSymbol("/"))) {
      ExprKind kind = IsSymbol("*") ? ExprKind::kMultiply : ExprKind::kDivide;
      Advance();
      int right = ParseSign();
      if (!failed_) left = Make(kind, BeginOf(left), {left, right});
    }
    return left;
  }

  int ParseSign() {
    if (failed_ || !IsSymbol("-")) return ParsePrimary();
    if (!Deeper()) return 0;
    size_t begin = token_begin_;
    Advance();
    int child = ParseSign();
    --depth_;
    return failed_ ? 0 : Make(ExprKind::kNegate, begin, {child});
  }

  int ParsePrimary() {
    if (failed_) return 0;
    size_t begin = token_begin_;
    if (IsSymbol("(")) {
      if (!Deeper()) return 0;
      Advance();
      int inner = ParseOr();
      --depth_;
      Expect(")");
      if (failed_) return 0;
      out_.nodes[inner].begin = begin;
      out_.nodes[inner].end = previous_end_;
      return inner;
    }
    if (token_ == Token::kWord) return ParseWord();
    ExprKind kind;
    switch (token_) {
      case Token::kNumber:
        kind = ExprKind::kNumber;
        break;
      case Token::kDuration:
        kind = ExprKind::kDuration;
        break;
      case Token::kText:
        kind = ExprKind::kText;
        break;
      default:
        return FailUnexpected("a value");
    }
    double number = number_;
    std::string text(kind == ExprKind::kText ? Shown().substr(1, Shown().size() - 2) : "");
    Advance();
    int node = Make(kind, begin, {});
    out_.nodes[node].number = number;
    out_.nodes[node].text = std::move(text);
    return node;
  }

  int ParseWord() {
    size_t begin = token_begin_;
    std::string word(Shown());
    if (word == "and" || word == "or" || word == "not" || word == "in") return FailUnexpected("a value");
    Advance();
    ExprKind kind = ExprKind::kName;
    std::vector<int> children;
    if (word == "true" || word == "false") {
      kind = ExprKind::kBool;
    } else if (word == "null") {
      kind = ExprKind::kNullLiteral;
    } else if (!failed_ && IsSymbol("(")) {
      kind = ExprKind::kCall;
      Advance();
      ParseList(&children);
    }
    if (failed_) return 0;
    int node = Make(kind, begin, std::move(children));
    out_.nodes[node].number = word == "true" ? 1 : 0;
    out_.nodes[node].text = std::move(word);
    return node;
  }

  // One level further in; false when that is too deep.
  bool Deeper() {
    if (++depth_ <= kMaxExpressionDepth) return true;
    FailToken("E0403", fmt::format("nested deeper than {} levels", kMaxExpressionDepth),
              "name a part of it as a feature");
    return false;
  }

  std::string_view text_;
  std::vector<ExpressionIssue>* issues_;
  Expression out_;
  Token token_ = Token::kEnd;
  size_t token_begin_ = 0, token_end_ = 0;
  size_t previous_end_ = 0;  // end of the last token that was taken
  double number_ = 0;
  int depth_ = 0;
  bool failed_ = false;
};

}  // namespace

Expression ParseExpression(std::string_view text, std::vector<ExpressionIssue>* issues) {
  if (text.size() > kMaxExpressionBytes) {
    issues->push_back({"E0403",
                       0,
                       text.size(),
                       fmt::format("the expression has {} bytes, the limit is {}", text.size(), kMaxExpressionBytes),
                       "name parts of it as features",
                       {}});
    Expression none;
    none.source = std::string(text);
    return none;
  }
  return ExpressionParser(text, issues).Parse();
}

bool IsReservedWord(std::string_view word) {
  static constexpr std::string_view kWords[] = {"and",   "or",       "not",      "in",      "true",   "false", "null",
                                                "if",    "coalesce", "rate",     "abs",     "min",    "max",   "clamp",
                                                "log1p", "sqrt",     "safe_div", "is_null", "tenure", "now"};
  return std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
}

}  // namespace ebb
