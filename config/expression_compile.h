// Typing of expressions and their lowering to instructions (operators/feature/program.h). Constants are folded with the
// interpreter itself, so a folded value is the one that would have been computed.
//
//   Scope scope{&builder, &plan, &names, ...};
//   Compiled c = CompileExpression(expression, Want::kCondition, &scope, &issues);
//   if (c.ok) plan.alerts[0].when = c.reg;
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/expression.h"
#include "operators/plan.h"

namespace ebb {

enum class ExprType : uint8_t {
  kNumber,
  kDuration,
  kText,
  kBool,
  kTime,
  kNullType,
  kUnknown,  // its definition has an error that is reported elsewhere: goes with every type, silently
};

// "a number", "a duration", "a text", "true or false", "a time", "null".
std::string_view TypeName(ExprType type);

// Something that runs with time: the measure of a recency, or DeadlinePlan::kTenure; or DeadlinePlan::kNow, as now -
// base, or falling, as base - now.
struct Clock {
  int measure = DeadlinePlan::kTenure;
  int base = -1;  // kNow only, register; -1: nothing is taken off, it is now itself
  bool falling = false;
};

// What a name stands for.
struct Symbol {
  ExprType type = ExprType::kUnknown;
  int reg = -1;
  int index = -1;                       // feature: index into Plan::features; field: its slot; -1: a score
  int measure = -1;                     // index into Plan::measures when it is one, undecorated
  bool recency = false;                 // the measure is a recency: comparisons with it have deadlines
  bool moves = false;                   // changes by itself as time passes, as recencies and tenure do
  std::optional<Clock> clock;           // of a feature that is `now` less something, or the other way round
  bool rateable = false;                // the measure is a count, sum or distinct over a window
  std::vector<DeadlinePlan> deadlines;  // of a bool feature: those of its expression
};

// What an expression may read, and where its instructions go. Confined to its task's thread.
struct Scope {
  ProgramBuilder* builder = nullptr;
  const std::map<std::string, Symbol, std::less<>>* names = nullptr;
  std::string_view names_are = "feature";  // for messages: "feature", "field"
  // For names that exist but can't be read here, with the reason: "is a score; ...".
  std::map<std::string, std::string, std::less<>> hidden;
  // Null where tenure, now and rate() have no meaning.
  Plan* plan = nullptr;
  // SOURCE.FIELD of the sources of events, which can't be read like those of reference sources.
  const std::set<std::string, std::less<>>* event_fields = nullptr;
  // The register of the record's event time, made when it is first needed; null where hour() and weekday() have no
  // meaning.
  int* time_reg = nullptr;
};

enum class Want : uint8_t { kAny, kCondition, kNumber, kDuration };

struct Compiled {
  bool ok = false;
  int reg = -1;
  ExprType type = ExprType::kUnknown;
  std::vector<int> reads;  // Symbol::index of each name, in order of first appearance
  bool moves = false;      // reads something that changes by itself as time passes
  std::optional<Clock> clock;
  std::vector<DeadlinePlan> deadlines;
};

// Appends the instructions for `expression` to the scope's program. All type errors are added to `issues`; then, or
// when the expression has a syntax error or reads something of unknown type, `ok` is false.
Compiled CompileExpression(const Expression& expression, Want want, Scope* scope, std::vector<ExpressionIssue>* issues);

// A function of the language. Immutable after construction.
struct ExpressionFunction {
  std::string_view name;
  size_t least, most;  // arguments
  std::string_view form;
  std::string_view meaning;  // of its value, for docs/pipeline.md
};
std::span<const ExpressionFunction> ExpressionFunctions();

// The names that an expression reads, in order of first appearance.
std::vector<std::string> NamesIn(const Expression& expression);

// A program with more registers than this refuses further expressions (one expression needs at most some 10000).
inline constexpr int kMaxProgramRegisters = 45000;

}  // namespace ebb
