// Tests of the expression parser, and of typing and lowering by running what was compiled.
#include "config/expression.h"

#include <bit>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/expression_compile.h"
#include "engine/base/random.h"
#include "engine/stream/record.h"

namespace ebb {
namespace {

std::string Shape(const Expression& e, int index) {
  const ExprNode& node = e.nodes[index];
  static constexpr std::string_view kOps[] = {
      "num", "dur", "text", "bool", "null", "name", "neg", "not", "+",  "-",  "*",
      "/",   "<",   "<=",   ">",    ">=",   "==",   "!=",  "and", "or", "in", ""};
  switch (node.kind) {
    case ExprKind::kNumber:
      return fmt::format("{}", node.number);
    case ExprKind::kDuration:
      return fmt::format("{}ms", node.number);
    case ExprKind::kText:
      return "'" + node.text + "'";
    case ExprKind::kBool:
      return node.number == 1 ? "true" : "false";
    case ExprKind::kNullLiteral:
      return "null";
    case ExprKind::kName:
      return node.text;
    default:
      break;
  }
  std::string out = "(" + (node.kind == ExprKind::kCall ? node.text : std::string(kOps[static_cast<int>(node.kind)]));
  for (int child : node.children) out += " " + Shape(e, child);
  return out + ")";
}

TEST(ExpressionTest, Grammar) {
  const std::pair<std::string, std::string> kCases[] = {
      {"1 + 2 * 3", "(+ 1 (* 2 3))"},
      {"1 - 2 - 3", "(- (- 1 2) 3)"},
      {"8 / 4 / 2", "(/ (/ 8 4) 2)"},
      {"(1 + 2) * 3", "(* (+ 1 2) 3)"},
      {"-a * b", "(* (neg a) b)"},
      {"a - -1", "(- a (neg 1))"},
      {"not a and b or c", "(or (and (not a) b) c)"},
      {"a or b and c", "(or a (and b c))"},
      {"not a < b", "(not (< a b))"},
      {"a + 1 >= b * 2", "(>= (+ a 1) (* b 2))"},
      {"a in (1, 2, b + 1)", "(in a 1 2 (+ b 1))"},
      {"if(a > 1, 'x', \"y\")", "(if (> a 1) 'x' 'y')"},
      {"2%", "0.02"},
      {"2.5%", "0.025"},
      {"1e3", "1000"},
      {"1.5e-3", "0.0015"},
      {".5", "0.5"},
      {"7d", "604800000ms"},
      {"1h30m", "5400000ms"},
      {"250ms", "250ms"},
      {"a != null", "(!= a null)"},
      {"true and not false", "(and true (not false))"},
      {"max( a,b )", "(max a b)"},
      {"a\n  + b", "(+ a b)"},
      {"inner and order", "(and inner order)"},
  };
  for (const auto& [text, shape] : kCases) {
    std::vector<ExpressionIssue> issues;
    Expression e = ParseExpression(text, &issues);
    ASSERT_TRUE(issues.empty()) << text << ": " << issues[0].message;
    EXPECT_EQ(Shape(e, e.root), shape) << text;
  }
}

TEST(ExpressionTest, ErrorsPointAtTheRightBytes) {
  struct Case {
    std::string text, code, at;
  };
  const Case kCases[] = {
      {"a +", "E0401", ""},        {"(a", "E0401", ""},         {"a)", "E0401", ")"},
      {"a = 1", "E0401", "="},     {"a && b", "E0401", "&&"},   {"a || b", "E0401", "||"},
      {"!a", "E0401", "!"},        {"1 < a < 3", "E0401", "<"}, {"a ? b", "E0401", "?"},
      {"7days", "E0402", "7days"}, {"7x + 1", "E0402", "7x"},   {"1.2.3", "E0401", "1.2.3"},
      {"'abc", "E0401", "'abc"},   {"a b", "E0401", "b"},       {"f(a,)", "E0401", ")"},
      {"a in b", "E0401", "b"},    {"and a", "E0401", "and"},   {"a \u5ba2", "E0401", "\u5ba2"},
      {"", "E0401", ""},           {"   ", "E0401", "   "},     {"f(a b)", "E0401", "b"},
      {"1 'x'", "E0401", "'x'"},   {"a % b", "E0401", "%"},     {"1e", "E0402", "1e"},
      {"1e999", "E0401", "1e999"},
  };
  for (const Case& c : kCases) {
    std::vector<ExpressionIssue> issues;
    Expression e = ParseExpression(c.text, &issues);
    ASSERT_EQ(issues.size(), 1u) << c.text;
    EXPECT_EQ(e.root, -1);
    EXPECT_EQ(issues[0].code, c.code) << c.text;
    EXPECT_EQ(c.text.substr(issues[0].begin, issues[0].end - issues[0].begin), c.at) << c.text;
  }
}

TEST(ExpressionTest, Limits) {
  auto error = [](const std::string& text) {
    std::vector<ExpressionIssue> issues;
    ParseExpression(text, &issues);
    return issues.empty() ? std::string() : std::string(issues[0].code);
  };
  EXPECT_EQ(error(std::string(64, '(') + "1" + std::string(64, ')')), "");
  EXPECT_EQ(error(std::string(65, '(') + "1" + std::string(65, ')')), "E0403");
  EXPECT_EQ(error(std::string(65, '-') + "1"), "E0403");
  std::string nots;
  for (int i = 0; i < 65; ++i) nots += "not ";
  EXPECT_EQ(error(nots + "a"), "E0403");
  EXPECT_EQ(error("1" + std::string(4095, ' ')), "");
  EXPECT_EQ(error("1" + std::string(4096, ' ')), "E0403");
}

TEST(ExpressionTest, RandomTextNeverCrashes) {
  static constexpr std::string_view kPieces[] = {"a",   "1",  "7d", "(",    ")",  ",",   "+",   "-",  "*",
                                                 "/",   "<",  "==", "and",  "or", "not", "in",  "if", "max",
                                                 "'x'", "\"", "%",  "null", " ",  ".",   "\xff"};
  for (uint64_t seed = 1; seed <= 5000; ++seed) {
    Random random(seed);
    std::string text;
    for (uint64_t n = random.Below(20); n > 0; --n) text += kPieces[random.Below(std::size(kPieces))];
    std::vector<ExpressionIssue> issues;
    Expression e = ParseExpression(text, &issues);
    EXPECT_EQ(e.root < 0, !issues.empty()) << "seed " << seed;
    for (const ExpressionIssue& issue : issues) {
      EXPECT_LE(issue.begin, issue.end) << "seed " << seed;
      EXPECT_LE(issue.end, text.size()) << "seed " << seed;
    }
  }
}

// A scope with one name of each type, and the values that they have.
class CompileTest : public testing::Test {
 protected:
  CompileTest() {
    Add("n", ExprType::kNumber, 6);
    Add("zero", ExprType::kNumber, 0);
    Add("gone", ExprType::kNumber, kNull);
    Add("d", ExprType::kDuration, 8.0 * kDay);
    Add("no_d", ExprType::kDuration, kNull);
    Add("yes", ExprType::kBool, 1);
    Add("unknown", ExprType::kBool, kNull);
    Add("t", ExprType::kText, std::bit_cast<double>(HashText("abc")));
    Add("no_t", ExprType::kText, kNull);
    Add("z", ExprType::kTime, 3.9e12);
    names_["broken"] = Symbol();
    plan_.windows = {{"week", 7 * kDay, 6 * kHour}, {"ever", 0, 0}};
    plan_.measures.resize(4);
    plan_.measures[0].window = 0;
    plan_.measures[1].window = 0;
    plan_.measures[1].exact = true;
    plan_.measures[2].window = 1;
    Measure("calls", ExprType::kNumber, 14, 0);
    Measure("exact_calls", ExprType::kNumber, 14, 1);
    Measure("all_calls", ExprType::kNumber, 14, 2);
    Measure("silence", ExprType::kDuration, 8.0 * kDay, 3);
    names_["silence"].recency = true;
    names_["silence"].rateable = false;
    Measure("moving", ExprType::kDuration, 9.0 * kDay, 4);
    names_["moving"].moves = true;
    names_["moving"].rateable = false;
  }

  void Add(const std::string& name, ExprType type, double value) {
    Symbol symbol;
    symbol.type = type;
    symbol.reg = builder_.NewRegister();
    symbol.index = static_cast<int>(names_.size());
    values_[symbol.reg] = value;
    names_[name] = symbol;
  }
  void Measure(const std::string& name, ExprType type, double value, int measure) {
    Add(name, type, value);
    names_[name].measure = measure;
    names_[name].rateable = true;
  }

  Compiled Compile(const std::string& text, Want want = Want::kAny) {
    issues_.clear();
    expression_ = ParseExpression(text, &issues_);
    Scope scope;
    scope.builder = &builder_;
    scope.names = &names_;
    scope.plan = &plan_;
    begin_ = builder_.position();
    return CompileExpression(expression_, want, &scope, &issues_);
  }

  double Run(const std::string& text) {
    Compiled compiled = Compile(text);
    EXPECT_TRUE(compiled.ok) << text << ": " << (issues_.empty() ? "" : issues_[0].message);
    if (!compiled.ok) return -12345;
    Program program = builder_.Build();
    std::vector<double> registers = program.initial;
    for (auto [reg, value] : values_) registers[reg] = value;
    if (plan_.builtins.tenure >= 0) registers[plan_.builtins.tenure] = 100.0 * kDay;
    if (!plan_.builtins.window_days.empty()) registers[plan_.builtins.window_days[0]] = 7.25;
    program.Run(begin_, builder_.position(), registers.data());
    return registers[compiled.reg];
  }

  ProgramBuilder builder_;
  Plan plan_;
  std::map<std::string, Symbol, std::less<>> names_;
  std::map<int, double> values_;
  std::vector<ExpressionIssue> issues_;
  Expression expression_;
  size_t begin_ = 0;
};

TEST_F(CompileTest, Values) {
  const std::pair<std::string, double> kCases[] = {
      {"n + 1", 7},
      {"n * -2", -12},
      {"n / 4", 1.5},
      {"n - 1 - 1", 4},
      {"n > 5", 1},
      {"n >= 6", 1},
      {"n < 6", 0},
      {"n <= 5", 0},
      {"n == 6 and n != 7", 1},
      {"d > 7d", 1},
      {"7d < d", 1},
      {"d / 1d", 8},
      {"d / 2 == 4d", 1},
      {"2 * d == 16d", 1},
      {"d - 1d == 7d", 1},
      {"-d < 0s", 1},
      {"silence > 8d", 0},
      {"silence >= 8d", 1},
      {"tenure / 1d", 100},
      {"if(n > 5, 10, 20)", 10},
      {"if(unknown, 10, 20)", 20},
      {"coalesce(gone, 3)", 3},
      {"coalesce(gone, gone, n)", 6},
      {"coalesce(no_d, 2d) / 1d", 2},
      {"safe_div(n, zero)", 0},
      {"safe_div(n, 3)", 2},
      {"safe_div(gone, 3)", 0},
      {"min(n, 2, 4)", 2},
      {"max(n, 2, 4)", 6},
      {"clamp(n, 1, 5)", 5},
      {"clamp(n, 8, 9)", 8},
      {"abs(-n)", 6},
      {"sqrt(n * n)", 6},
      {"log1p(zero)", 0},
      {"is_null(gone)", 1},
      {"is_null(n)", 0},
      {"is_null(t)", 0},
      {"is_null(no_t)", 1},
      {"t == 'abc'", 1},
      {"t != \"abc\"", 0},
      {"t in ('x', 'abc')", 1},
      {"n in (1, 2)", 0},
      {"n in (1, 2, 6)", 1},
      {"coalesce(no_t, 'abc') == t", 1},
      {"if(yes, t, 'x') == 'abc'", 1},
      {"if(n < 0, 'x', 'y') == 'y'", 1},
      {"not yes or n == 6", 1},
      {"yes == true", 1},
      {"rate(calls) * 7.25", 14},
      {"rate(exact_calls)", 2},
      {"1e3 * 2%", 20},
      {"false and unknown", 0},
      {"true or unknown", 1},
      {"n > 5 and d > 7d and t == 'abc'", 1},
  };
  for (const auto& [text, value] : kCases) EXPECT_EQ(Run(text), value) << text;
}

TEST_F(CompileTest, NullsPropagate) {
  for (std::string text : {"gone + 1", "n / zero", "gone > 1", "gone == gone", "no_t == 'abc'", "no_t != 'abc'",
                           "no_t == t", "not unknown", "min(n, gone)", "sqrt(-n)", "null", "unknown and true",
                           "gone in (1, 2)", "no_t in ('a', 'b')", "log1p(-n)", "1 / 0"}) {
    EXPECT_TRUE(IsNull(Run(text))) << text;
  }
}

TEST_F(CompileTest, ConstantsAreFolded) {
  for (std::string text : {"1 + 2 * 3", "7d / 1d", "'a' == 'b'", "if(1 < 2, 'x', 'y') == 'x'", "min(1, 2, 3)", "-(-3)",
                           "1 in (2, 3)", "is_null(null)", "is_null('x')", "coalesce(null, 2)", "sqrt(2)"}) {
    Compile(text);
    EXPECT_EQ(builder_.position(), begin_) << text;
  }
  EXPECT_EQ(Run("1 + 2 * 3"), 7);
  EXPECT_EQ(Run("'a' == 'a'"), 1);
  EXPECT_TRUE(IsNull(Run("1 / 0")));
}

TEST_F(CompileTest, TypeErrorsPointAtTheRightPart) {
  struct Case {
    std::string text, code, at;
  };
  const Case kCases[] = {
      {"silence > 7", "E0408", "7"},
      {"7 < silence", "E0408", "7"},
      {"d + 1", "E0408", "1"},
      {"max(d, 2)", "E0408", "2"},
      {"n + d", "E0407", "n + d"},
      {"1 + (n + d)", "E0407", "(n + d)"},
      {"n > d", "E0407", "n > d"},
      {"t == 1", "E0407", "t == 1"},
      {"yes == 1", "E0407", "yes == 1"},
      {"t < 'b'", "E0407", "t < 'b'"},
      {"d * d", "E0407", "d * d"},
      {"n / d", "E0407", "n / d"},
      {"t + 'x'", "E0407", "t"},
      {"yes * 2", "E0407", "yes"},
      {"not n", "E0407", "n"},
      {"yes and n", "E0407", "n"},
      {"-yes", "E0407", "yes"},
      {"n == null", "E0407", "n == null"},
      {"if(n, 1, 2)", "E0407", "n"},
      {"if(yes, 1, 'x')", "E0407", "if(yes, 1, 'x')"},
      {"sqrt(d)", "E0407", "d"},
      {"abs(t)", "E0407", "t"},
      {"n in ('a')", "E0407", "'a'"},
      {"nn > 1", "E0404", "nn"},
      {"1 + sqrt", "E0404", "sqrt"},
      {"sqr(2)", "E0405", "sqr(2)"},
      {"sqrt(1, 2)", "E0406", "sqrt(1, 2)"},
      {"n in ()", "E0406", "n in ()"},
      {"rate(d)", "E0410", "d"},
      {"rate(calls + 1)", "E0410", "calls + 1"},
      {"rate(all_calls)", "E0410", "all_calls"},
      {"rate(silence)", "E0410", "silence"},
  };
  for (const Case& c : kCases) {
    EXPECT_FALSE(Compile(c.text).ok);
    ASSERT_EQ(issues_.size(), 1u) << c.text;
    EXPECT_EQ(issues_[0].code, c.code) << c.text << ": " << issues_[0].message;
    EXPECT_EQ(c.text.substr(issues_[0].begin, issues_[0].end - issues_[0].begin), c.at) << c.text;
  }
}

TEST_F(CompileTest, AllErrorsOfAnExpressionAreFoundOnce) {
  EXPECT_FALSE(Compile("(n + d) > 3 and (t + 1) < nn and broken > 'x'").ok);
  std::vector<std::string_view> codes;
  for (const ExpressionIssue& issue : issues_) codes.push_back(issue.code);
  EXPECT_THAT(codes, testing::ElementsAre("E0407", "E0407", "E0404"));
  EXPECT_FALSE(Compile("broken + 1").ok);  // reported where it is defined
  EXPECT_TRUE(issues_.empty());
}

TEST_F(CompileTest, WantedTypes) {
  EXPECT_TRUE(Compile("n > 1", Want::kCondition).ok);
  EXPECT_TRUE(Compile("n", Want::kNumber).ok);
  const std::pair<std::string, Want> kBad[] = {
      {"n", Want::kCondition}, {"d", Want::kCondition}, {"t", Want::kCondition}, {"null", Want::kCondition},
      {"d", Want::kNumber},    {"yes", Want::kNumber},  {"t", Want::kNumber}};
  for (const auto& [text, want] : kBad) {
    EXPECT_FALSE(Compile(text, want).ok);
    ASSERT_EQ(issues_.size(), 1u) << text;
    EXPECT_EQ(issues_[0].code, "E0409") << text;
  }
}

TEST_F(CompileTest, Deadlines) {
  struct Case {
    std::string text;
    std::string deadlines;  // measure, > or >=, threshold in days if constant
  };
  const Case kCases[] = {
      {"silence > 7d", "3>7 "},
      {"silence >= 7d", "3>=7 "},
      {"7d < silence", "3>7 "},
      {"7d <= silence", "3>=7 "},
      {"silence < 7d", ""},
      {"7d > silence", ""},
      {"silence == 7d", ""},
      {"not silence > 7d", ""},
      {"tenure > 30d and silence > 7d", "-1>30 3>7 "},
      {"n > 1 or (yes and silence > 2 * 3d)", "3>6 "},
      {"silence > 2 * d", "3>? "},
      {"silence > tenure", ""},
      {"silence + 1d > 7d", ""},
      {"silence > 1d + tenure * 0.5", ""},
      {"silence > moving", ""},
      {"n > 1", ""},
      {"now > z", "-2>0 "},
      {"z <= now", "-2>=0 "},
      {"now < z", ""},
      {"z - now < 30d", "-2>30 falling "},
      {"30d >= z - now", "-2>=30 falling "},
      {"z - now > 30d", ""},
      {"now - z >= d", "-2>=? "},
      {"now - z < 1d", ""},
      {"now - z > silence", ""},
      {"now - now > 1d", ""},
      {"z - now == 1d", ""},
      {"not now > z", ""},
  };
  for (const Case& c : kCases) {
    Compiled compiled = Compile(c.text, Want::kCondition);
    ASSERT_TRUE(compiled.ok) << c.text;
    std::string got;
    for (const DeadlinePlan& d : compiled.deadlines) {
      double threshold = builder_.Build().initial[d.threshold];
      got += fmt::format("{}{}{} ", d.measure,
                         d.strict ? ">" : ">=", IsNull(threshold) ? "?" : fmt::format("{}", threshold / kDay));
      if (d.falling) got += "falling ";
      EXPECT_EQ(d.base >= 0, d.measure == DeadlinePlan::kNow) << c.text;
    }
    EXPECT_EQ(got, c.deadlines) << c.text;
  }
}

TEST_F(CompileTest, ADifferenceToNowIsAClock) {
  std::optional<Clock> clock = Compile("z - now").clock;
  ASSERT_TRUE(clock);
  EXPECT_EQ(clock->measure, DeadlinePlan::kNow);
  EXPECT_EQ(clock->base, names_["z"].reg);
  EXPECT_TRUE(clock->falling);
  EXPECT_TRUE(Compile("now - (z + 1d)").clock);
  for (const char* text : {"z - z", "silence", "tenure", "now - silence - z", "(z - now) * 2"}) {
    EXPECT_FALSE(Compile(text).clock) << text;
  }
}

TEST_F(CompileTest, TimesHaveAnArithmeticOfTheirOwn) {
  values_[names_["z"].reg] = 5e12;
  EXPECT_EQ(Run("(z + 3d - z) / 1d"), 3);
  EXPECT_EQ(Run("(z - (z - 2d)) / 1d"), 2);
  EXPECT_EQ(Run("z < z + 1ms"), 1);
  EXPECT_EQ(Run("max(z, z + 1d) == 1d + z"), 1);
  EXPECT_EQ(Compile("z - now").type, ExprType::kDuration);
  EXPECT_EQ(Compile("z + 1d").type, ExprType::kTime);
  for (const char* text : {"z + z", "1d - z", "-z", "z * 2", "z / 1d", "abs(z)", "z < 1d", "z + 1", "z == 'x'"}) {
    EXPECT_FALSE(Compile(text).ok) << text;
    ASSERT_EQ(issues_.size(), 1u) << text;
    EXPECT_EQ(issues_[0].code, "E0407") << text;
  }
}

TEST_F(CompileTest, ReadsAreReportedInOrder) {
  Compiled compiled = Compile("d > 1d and n > 1 and d > 2d");
  EXPECT_THAT(compiled.reads, testing::ElementsAre(names_["d"].index, names_["n"].index));
}

TEST_F(CompileTest, LongSumsNeedNoDeepStack) {
  std::string text = "n";
  while (text.size() + 4 <= kMaxExpressionBytes) text += " + n";
  EXPECT_EQ(Run(text), 6.0 * static_cast<double>((text.size() + 3) / 4));
}

}  // namespace
}  // namespace ebb
