// An expression: errors point into it; what compiles runs, twice to the same bits, and makes no NaN but null and no
// infinity.
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "config/expression.h"
#include "config/expression_compile.h"
#include "engine/base/check.h"
#include "engine/stream/record.h"

namespace ebb {
namespace {

// What is in scope: names of every type, with values and as null.
struct World {
  ProgramBuilder builder;
  Plan plan;
  std::map<std::string, Symbol, std::less<>> names;
  std::vector<std::pair<int, double>> values;
  int time_reg = -1;

  World() {
    Add("n", ExprType::kNumber, 6);
    Add("big", ExprType::kNumber, std::numeric_limits<double>::max());
    Add("gone", ExprType::kNumber, kNull);
    Add("d", ExprType::kDuration, 8.0 * kDay);
    Add("yes", ExprType::kBool, 1);
    Add("maybe", ExprType::kBool, kNull);
    Add("t", ExprType::kText, std::bit_cast<double>(HashText("abc")));
    names["broken"] = Symbol();
    plan.windows = {{"week", 7 * kDay, 6 * kHour}};
    plan.measures.resize(2);
    plan.measures[0].window = 0;
    Add("calls", ExprType::kNumber, 14);
    names["calls"].measure = 0;
    names["calls"].rateable = true;
    Add("silence", ExprType::kDuration, 8.0 * kDay);
    names["silence"].measure = 1;
    names["silence"].recency = true;
  }

  void Add(const std::string& name, ExprType type, double value) {
    Symbol symbol;
    symbol.type = type;
    symbol.reg = builder.NewRegister();
    symbol.index = static_cast<int>(names.size());
    values.emplace_back(symbol.reg, value);
    names[name] = symbol;
  }
};

void CheckIssues(std::string_view text, const std::vector<ExpressionIssue>& issues) {
  for (const ExpressionIssue& issue : issues) {
    EBB_CHECK(issue.begin <= issue.end && issue.end <= text.size(), "[{}, {}) of {}", issue.begin, issue.end,
              text.size());
    EBB_CHECK(!issue.message.empty());
  }
}

std::vector<double> Run(const World& world, const Program& program, size_t begin) {
  std::vector<double> registers = program.initial;
  for (const auto& [reg, value] : world.values) registers[reg] = value;
  if (world.time_reg >= 0) registers[world.time_reg] = 1'700'000'000'000;
  program.Run(begin, program.instructions.size(), registers.data());
  return registers;
}

void Check(std::string_view text) {
  std::vector<ExpressionIssue> issues;
  const Expression expression = ParseExpression(text, &issues);
  CheckIssues(text, issues);
  EBB_CHECK((expression.root < 0) == !issues.empty());
  for (Want want : {Want::kAny, Want::kCondition, Want::kNumber, Want::kDuration}) {
    World world;
    Scope scope;
    scope.builder = &world.builder;
    scope.names = &world.names;
    scope.plan = &world.plan;
    scope.time_reg = &world.time_reg;
    issues.clear();
    const size_t begin = world.builder.position();
    const Compiled compiled = CompileExpression(expression, want, &scope, &issues);
    CheckIssues(text, issues);
    if (!compiled.ok) continue;
    EBB_CHECK(issues.empty());
    const Program program = world.builder.Build();
    const double result = Run(world, program, begin)[compiled.reg];
    EBB_CHECK(std::bit_cast<uint64_t>(result) == std::bit_cast<uint64_t>(Run(world, program, begin)[compiled.reg]));
    if (compiled.type == ExprType::kText) continue;
    EBB_CHECK(!std::isinf(result), "an infinity");
    EBB_CHECK(!IsNull(result) || std::bit_cast<uint64_t>(result) == std::bit_cast<uint64_t>(kNull), "a NaN {:x}",
              std::bit_cast<uint64_t>(result));
  }
}

}  // namespace
}  // namespace ebb

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ebb::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
