// The compiler walks the syntax tree bottom up; each node becomes an operand (register and type). An operand of unknown
// type silences the errors above it.
#include "config/expression_compile.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "config/deadline.h"
#include "config/diagnostic.h"
#include "config/zones.h"
#include "engine/base/check.h"
#include "engine/stream/record.h"

namespace ebb {
namespace {

struct Operand {
  ExprType type = ExprType::kUnknown;
  int reg = -1;
  bool constant = false;
  double value = 0;  // of a constant
};

using Function = ExpressionFunction;

bool IsNumeric(ExprType type) {
  return type == ExprType::kNumber || type == ExprType::kDuration || type == ExprType::kNullType;
}

bool HasOrder(ExprType type) { return IsNumeric(type) || type == ExprType::kTime; }

// Confined to its task's thread.
class Compiler {
 public:
  Compiler(const Expression& expression, Scope* scope, std::vector<ExpressionIssue>* issues)
      : expression_(expression), scope_(*scope), builder_(*scope->builder), issues_(*issues) {}

  Compiled Run(Want want) {
    size_t issues_before = issues_.size();
    operands_.resize(expression_.nodes.size());
    // Children stand before their parents, so one pass in order serves; a long sum needs no deep recursion.
    for (size_t i = 0; i < expression_.nodes.size(); ++i) operands_[i] = Compile(static_cast<int>(i));
    const Operand& root = operands_[expression_.root];
    CheckWanted(want, root);
    Compiled out;
    out.ok = issues_.size() == issues_before && root.type != ExprType::kUnknown;
    out.type = root.type;
    out.reg = root.reg;
    out.reads = std::move(reads_);
    out.moves = ReadsClock(expression_, scope_, expression_.root);
    if (!out.ok) return out;
    std::vector<int> registers;
    for (const Operand& operand : operands_) registers.push_back(operand.reg);
    if (root.type == ExprType::kBool) out.deadlines = FindDeadlines(expression_, scope_, registers);
    out.clock = FindClock(expression_, scope_, registers);
    return out;
  }

 private:
  const ExprNode& NodeAt(int node) const { return expression_.nodes[node]; }
  std::string Shown(int node) const {
    std::string_view source = expression_.SourceOf(node);
    constexpr size_t kMaxShown = 40;
    return source.size() <= kMaxShown ? std::string(source) : "this";
  }

  Operand Fail(std::string_view code, int node, std::string message, std::string hint = "",
               std::vector<std::string> notes = {}) {
    issues_.push_back(
        {code, NodeAt(node).begin, NodeAt(node).end, std::move(message), std::move(hint), std::move(notes)});
    return {};
  }

  // --- instructions ---

  Operand Constant(ExprType type, double value) { return {type, builder_.Constant(value), true, value}; }

  // `operands` become constants of their own when folded; unused ones are given as the first.
  Operand Emit(ExprType type, Op op, std::array<const Operand*, 3> operands, int count) {
    bool constant = true;
    for (int i = 0; i < count; ++i) constant = constant && operands[i]->constant;
    if (!constant) {
      int b = count > 1 ? operands[1]->reg : operands[0]->reg;
      int c = count > 2 ? operands[2]->reg : operands[0]->reg;
      return {type, builder_.Emit(op, operands[0]->reg, b, c), false, 0};
    }
    Program folding;
    folding.instructions.push_back({op, 3, 0, 1, 2});
    double registers[4] = {0, 0, 0, 0};
    for (int i = 0; i < count; ++i) registers[i] = operands[i]->value;
    folding.Run(0, 1, registers);
    return Constant(type, IsNull(registers[3]) && type != ExprType::kText ? kNull : registers[3]);
  }
  Operand Emit(ExprType type, Op op, const Operand& a) { return Emit(type, op, {&a, &a, &a}, 1); }
  Operand Emit(ExprType type, Op op, const Operand& a, const Operand& b) { return Emit(type, op, {&a, &b, &a}, 2); }
  Operand Emit(ExprType type, Op op, const Operand& a, const Operand& b, const Operand& c) {
    return Emit(type, op, {&a, &b, &c}, 3);
  }

  // A text is null when its bits are those of null; some hashes have the bits of other NaNs.
  Operand EmitIsNull(const Operand& a) {
    if (a.type != ExprType::kText) return Emit(ExprType::kBool, Op::kIsNull, a);
    return Emit(ExprType::kBool, Op::kTextEqual, a, Constant(ExprType::kText, kNull));
  }

  Operand EmitEqual(const Operand& a, const Operand& b, bool equal) {
    if (a.type != ExprType::kText) {
      return Emit(ExprType::kBool, equal ? Op::kEqual : Op::kNotEqual, a, b);
    }
    Operand same = Emit(ExprType::kBool, equal ? Op::kTextEqual : Op::kTextNotEqual, a, b);
    Operand null = Constant(ExprType::kBool, kNull);
    for (const Operand* side : {&a, &b}) {
      if (!side->constant) same = Emit(ExprType::kBool, Op::kIf, EmitIsNull(*side), null, same);
    }
    return same;
  }

  // --- nodes ---

  Operand Compile(int index) {
    const ExprNode& node = NodeAt(index);
    switch (node.kind) {
      case ExprKind::kNumber:
        return Constant(ExprType::kNumber, node.number);
      case ExprKind::kDuration:
        return Constant(ExprType::kDuration, node.number);
      case ExprKind::kBool:
        return Constant(ExprType::kBool, node.number);
      case ExprKind::kNullLiteral:
        return Constant(ExprType::kNullType, kNull);
      case ExprKind::kText:
        return Constant(ExprType::kText, std::bit_cast<double>(HashText(node.text)));
      case ExprKind::kName:
        return CompileName(index);
      case ExprKind::kCall:
        return CompileCall(index);
      case ExprKind::kIn:
        return CompileIn(index);
      default:
        break;
    }
    for (int child : node.children) {
      if (operands_[child].type == ExprType::kUnknown) return {};
    }
    switch (node.kind) {
      case ExprKind::kNegate:
        return CompileNegate(index);
      case ExprKind::kNot:
        return CompileLogic(index, Op::kNot);
      case ExprKind::kAnd:
        return CompileLogic(index, Op::kAnd);
      case ExprKind::kOr:
        return CompileLogic(index, Op::kOr);
      case ExprKind::kAdd:
        return CompileSum(index, Op::kAdd);
      case ExprKind::kSubtract:
        return CompileSum(index, Op::kSubtract);
      case ExprKind::kMultiply:
        return CompileProduct(index);
      case ExprKind::kDivide:
        return CompileQuotient(index, Op::kDivide, node.children[0], node.children[1]);
      default:
        return CompileComparison(index);
    }
  }

  Operand CompileName(int index) {
    const std::string& name = NodeAt(index).text;
    if (name == "tenure" && scope_.plan != nullptr) {
      int& reg = scope_.plan->builtins.tenure;
      if (reg < 0) reg = builder_.NewRegister();
      return {ExprType::kDuration, reg, false, 0};
    }
    if (name == "now" && scope_.plan != nullptr) {
      int& reg = scope_.plan->builtins.now;
      if (reg < 0) reg = builder_.NewRegister();
      return {ExprType::kTime, reg, false, 0};
    }
    auto found = scope_.names->find(name);
    if (found == scope_.names->end()) return FailUnknownName(index);
    const Symbol& symbol = found->second;
    if (symbol.index >= 0 && std::find(reads_.begin(), reads_.end(), symbol.index) == reads_.end()) {
      reads_.push_back(symbol.index);
    }
    if (symbol.type == ExprType::kUnknown) return {};
    return {symbol.type, symbol.reg, false, 0};
  }

  Operand FailUnknownName(int index) {
    const std::string& name = NodeAt(index).text;
    if (auto reason = scope_.hidden.find(name); reason != scope_.hidden.end()) {
      return Fail("E0404", index, fmt::format("{} {}", Quoted(name), reason->second));
    }
    for (const Function& function : ExpressionFunctions()) {
      if (function.name == name) {
        return Fail("E0404", index, fmt::format("{} is a function", Quoted(name)),
                    fmt::format("it is called as {}", function.form));
      }
    }
    if (name.find('.') != std::string::npos) return FailUnknownField(index);
    std::vector<std::string> known, longer;
    for (const auto& [candidate, symbol] : *scope_.names) {
      if (candidate.find('.') != std::string::npos) continue;
      known.push_back(candidate);
      if (candidate.substr(0, name.size() + 1) == name + "_") longer.push_back(candidate);
    }
    if (scope_.plan != nullptr) known.insert(known.end(), {"tenure", "now"});
    std::string message = fmt::format("unknown {} {}", scope_.names_are, Quoted(name));
    if (!longer.empty()) {
      return Fail("E0404", index, message, fmt::format("did you mean '{}'?", longer[0]), {KnownNames(longer)});
    }
    return Fail("E0404", index, message, DidYouMean(name, known), {KnownNames(known)});
  }

  Operand FailUnknownField(int index) {
    const std::string& name = NodeAt(index).text;
    if (scope_.plan == nullptr) {
      return Fail("E0404", index, fmt::format("{} belongs to customers", Quoted(name)),
                  "a condition on records reads the fields of their source, by their names alone");
    }
    if (scope_.event_fields != nullptr && scope_.event_fields->contains(name)) {
      return Fail("E0404", index, fmt::format("{} is a field of events, of which a customer has many", Quoted(name)),
                  fmt::format("make it a feature: {{from: {}, agg: last, of: {}, over: ...}}",
                              name.substr(0, name.find('.')), name.substr(name.find('.') + 1)));
    }
    std::vector<std::string> known;
    for (const auto& [candidate, symbol] : *scope_.names) {
      if (candidate.find('.') != std::string::npos) known.push_back(candidate);
    }
    const std::string message = fmt::format("unknown field {}", Quoted(name));
    if (known.empty()) {
      return Fail("E0404", index, message, "SOURCE.FIELD reads a source with kind: reference, and there is none");
    }
    return Fail("E0404", index, message, DidYouMean(name, known), {KnownNames(known)});
  }

  Operand CompileNegate(int index) {
    int child = NodeAt(index).children[0];
    const Operand& a = operands_[child];
    if (!IsNumeric(a.type)) return FailOperand(child, "'-'", "a number or a duration");
    return Emit(a.type, Op::kNegate, a);
  }

  Operand FailOperand(int node, std::string_view who, std::string_view wanted, std::string hint = "") {
    return Fail("E0407", node,
                fmt::format("{} takes {}, but {} is {}", who, wanted, Shown(node), TypeName(operands_[node].type)),
                std::move(hint));
  }

  Operand CompileLogic(int index, Op op) {
    const std::vector<int>& children = NodeAt(index).children;
    bool good = true;
    for (int child : children) {
      ExprType type = operands_[child].type;
      if (type == ExprType::kBool || type == ExprType::kNullType) continue;
      std::string_view word = op == Op::kNot ? "'not'" : (op == Op::kAnd ? "'and'" : "'or'");
      FailOperand(child, word, "conditions", fmt::format("compare it, as in {} > 0", Shown(child)));
      good = false;
    }
    if (!good) return {};
    if (op == Op::kNot) return Emit(ExprType::kBool, op, operands_[children[0]]);
    return Emit(ExprType::kBool, op, operands_[children[0]], operands_[children[1]]);
  }

  // The common type of two sides that must agree; kUnknown after an error. Null goes with everything.
  ExprType Agree(int node, int left, int right, std::string_view verb) {
    ExprType a = operands_[left].type, b = operands_[right].type;
    if (a == ExprType::kUnknown || b == ExprType::kUnknown) return ExprType::kUnknown;
    if (a == b || b == ExprType::kNullType) return a;
    if (a == ExprType::kNullType) return b;
    for (auto [number, duration] : {std::pair(left, right), std::pair(right, left)}) {
      bool bare = NodeAt(number).kind == ExprKind::kNumber && operands_[duration].type == ExprType::kDuration;
      if (bare) {
        Fail("E0408", number, fmt::format("{} is a number, {} is a duration", Shown(number), Shown(duration)),
             fmt::format("write {}d?", expression_.SourceOf(number)));
        return ExprType::kUnknown;
      }
    }
    Fail(
        "E0407", node,
        fmt::format("{} is {}, {} is {}: they can't be {}", Shown(left), TypeName(a), Shown(right), TypeName(b), verb));
    return ExprType::kUnknown;
  }

  Operand CompileSum(int index, Op op) {
    int left = NodeAt(index).children[0], right = NodeAt(index).children[1];
    const ExprType a = operands_[left].type, b = operands_[right].type;
    if (a == ExprType::kTime && b == ExprType::kTime) {
      if (op == Op::kSubtract) return Emit(ExprType::kDuration, op, operands_[left], operands_[right]);
      return Fail("E0407", index, "two times can't be added", "the duration between them is one less the other");
    }
    if (a == ExprType::kTime && b == ExprType::kDuration) return Emit(a, op, operands_[left], operands_[right]);
    if (b == ExprType::kTime && a == ExprType::kDuration) {
      if (op == Op::kAdd) return Emit(b, op, operands_[left], operands_[right]);
      return Fail("E0407", index, "a time can't be subtracted from a duration",
                  fmt::format("write {} - {} for an earlier time", Shown(right), Shown(left)));
    }
    ExprType type = Agree(index, left, right, op == Op::kAdd ? "added" : "subtracted");
    if (type == ExprType::kUnknown) return {};
    if (!IsNumeric(type)) {
      return FailOperand(left, op == Op::kAdd ? "'+'" : "'-'", "numbers or durations");
    }
    return Emit(type, op, operands_[left], operands_[right]);
  }

  Operand CompileProduct(int index) {
    int left = NodeAt(index).children[0], right = NodeAt(index).children[1];
    for (int side : {left, right}) {
      if (!IsNumeric(operands_[side].type)) return FailOperand(side, "'*'", "numbers and one duration");
    }
    bool a = operands_[left].type == ExprType::kDuration, b = operands_[right].type == ExprType::kDuration;
    if (a && b) {
      return Fail("E0407", index, "a duration can't be multiplied by a duration", "divide one of them, as in x / 1d");
    }
    return Emit(a || b ? ExprType::kDuration : ExprType::kNumber, Op::kMultiply, operands_[left], operands_[right]);
  }

  Operand CompileQuotient(int index, Op op, int left, int right) {
    for (int side : {left, right}) {
      if (operands_[side].type == ExprType::kUnknown) return {};
      if (!IsNumeric(operands_[side].type)) return FailOperand(side, "a division", "numbers or durations");
    }
    bool a = operands_[left].type == ExprType::kDuration, b = operands_[right].type == ExprType::kDuration;
    if (b && operands_[left].type == ExprType::kNumber) {
      return Fail("E0407", index, "a number can't be divided by a duration",
                  fmt::format("write {} / 1d for a number of days", Shown(right)));
    }
    return Emit(a && !b ? ExprType::kDuration : ExprType::kNumber, op, operands_[left], operands_[right]);
  }

  Operand CompileComparison(int index) {
    const ExprNode& node = NodeAt(index);
    int left = node.children[0], right = node.children[1];
    for (int side : {left, right}) {
      if (NodeAt(side).kind == ExprKind::kNullLiteral) {
        return Fail("E0407", index, "a comparison with null is never true",
                    fmt::format("write is_null({})", Shown(side == left ? right : left)));
      }
    }
    ExprType type = Agree(index, left, right, "compared");
    if (type == ExprType::kUnknown) return {};
    const Operand& a = operands_[left];
    const Operand& b = operands_[right];
    if (node.kind == ExprKind::kEqual || node.kind == ExprKind::kNotEqual) {
      return EmitEqual(a, b, node.kind == ExprKind::kEqual);
    }
    if (!HasOrder(type)) {
      return Fail("E0407", index, fmt::format("{} has no order", Shown(left)), "only == and != can be used");
    }
    switch (node.kind) {
      case ExprKind::kLess:
        return Emit(ExprType::kBool, Op::kLess, a, b);
      case ExprKind::kLessEqual:
        return Emit(ExprType::kBool, Op::kLessEqual, a, b);
      case ExprKind::kGreater:
        return Emit(ExprType::kBool, Op::kLess, b, a);
      default:
        return Emit(ExprType::kBool, Op::kLessEqual, b, a);
    }
  }

  Operand CompileIn(int index) {
    const std::vector<int>& children = NodeAt(index).children;
    if (children.size() < 2) return Fail("E0406", index, "the list is empty", "write x in (a, b)");
    Operand any;
    bool good = operands_[children[0]].type != ExprType::kUnknown;
    for (size_t i = 1; i < children.size(); ++i) {
      if (NodeAt(children[i]).kind == ExprKind::kNullLiteral) {
        Fail("E0407", children[i], "nothing is equal to null", fmt::format("write is_null({})", Shown(children[0])));
        good = false;
        continue;
      }
      good = Agree(children[i], children[0], children[i], "compared") != ExprType::kUnknown && good;
      if (!good) continue;
      Operand equal = EmitEqual(operands_[children[0]], operands_[children[i]], true);
      any = i == 1 ? equal : Emit(ExprType::kBool, Op::kOr, any, equal);
    }
    return good ? any : Operand{};
  }

  // --- functions ---

  Operand CompileCall(int index) {
    const ExprNode& node = NodeAt(index);
    const auto functions = ExpressionFunctions();
    const auto function =
        std::find_if(functions.begin(), functions.end(), [&](const Function& f) { return f.name == node.text; });
    if (function == functions.end()) {
      std::vector<std::string> known;
      for (const Function& f : functions) known.emplace_back(f.name);
      return Fail("E0405", index, fmt::format("unknown function {}", Quoted(node.text)), DidYouMean(node.text, known),
                  {KnownNames(known)});
    }
    size_t count = node.children.size();
    if (count < function->least || count > function->most) {
      std::string wanted = function->least != function->most ? fmt::format("{} to {}", function->least, function->most)
                           : function->least == 1            ? "1"
                                                             : fmt::format("{}", function->least);
      return Fail(
          "E0406", index,
          fmt::format("{} takes {} argument{}, not {}", function->name, wanted, wanted == "1" ? "" : "s", count),
          fmt::format("write {}", function->form));
    }
    if (node.text == "rate") return CompileRate(index);
    for (int child : node.children) {
      if (operands_[child].type == ExprType::kUnknown) return {};
    }
    if (node.text == "hour" || node.text == "weekday") return CompileClock(index);
    if (node.text == "if") return CompileIf(index);
    if (node.text == "safe_div") return CompileQuotient(index, Op::kSafeDivide, node.children[0], node.children[1]);
    if (node.text == "is_null") return EmitIsNull(operands_[node.children[0]]);
    if (node.text == "log1p" || node.text == "sqrt" || node.text == "abs") return CompileUnary(index);
    return CompileMany(index);
  }

  Operand CompileIf(int index) {
    const std::vector<int>& c = NodeAt(index).children;
    ExprType condition = operands_[c[0]].type;
    if (condition != ExprType::kBool && condition != ExprType::kNullType) {
      return FailOperand(c[0], "if()", "a condition", fmt::format("compare it, as in {} > 0", Shown(c[0])));
    }
    ExprType type = Agree(index, c[1], c[2], "the two values of if()");
    if (type == ExprType::kUnknown) return {};
    return Emit(type, Op::kIf, operands_[c[0]], operands_[c[1]], operands_[c[2]]);
  }

  Operand CompileUnary(int index) {
    const ExprNode& node = NodeAt(index);
    const Operand& a = operands_[node.children[0]];
    bool absolute = node.text == "abs";
    bool good = absolute ? IsNumeric(a.type) : a.type == ExprType::kNumber || a.type == ExprType::kNullType;
    if (!good) {
      return FailOperand(node.children[0], node.text + "()", absolute ? "a number or a duration" : "a number",
                         a.type == ExprType::kDuration ? fmt::format("write {} / 1d", Shown(node.children[0])) : "");
    }
    Op op = absolute ? Op::kAbs : (node.text == "sqrt" ? Op::kSqrt : Op::kLog1p);
    return Emit(absolute ? a.type : ExprType::kNumber, op, a);
  }

  // coalesce, min, max, clamp: all arguments of one type.
  Operand CompileMany(int index) {
    const ExprNode& node = NodeAt(index);
    ExprType type = operands_[node.children[0]].type;
    int typed = node.children[0];
    for (size_t i = 1; i < node.children.size(); ++i) {
      type = Agree(index, typed, node.children[i], fmt::format("mixed in {}()", node.text));
      if (type == ExprType::kUnknown) return {};
      if (operands_[typed].type == ExprType::kNullType) typed = node.children[i];
    }
    bool coalesce = node.text == "coalesce";
    if (!coalesce && !HasOrder(type)) return FailOperand(typed, node.text + "()", "numbers or durations");
    Operand result = operands_[node.children[0]];
    result.type = type;
    for (size_t i = 1; i < node.children.size(); ++i) {
      const Operand& next = operands_[node.children[i]];
      if (!coalesce) {
        bool min = node.text == "min" || (node.text == "clamp" && i == 2);
        result = Emit(type, min ? Op::kMin : Op::kMax, result, next);
      } else if (type == ExprType::kText) {
        result = Emit(type, Op::kIf, EmitIsNull(result), next, result);
      } else {
        result = Emit(type, Op::kCoalesce, result, next);
      }
    }
    return result;
  }

  // hour and weekday: of the record's time, moved by a constant.
  Operand CompileClock(int index) {
    const ExprNode& node = NodeAt(index);
    if (scope_.time_reg == nullptr) {
      return Fail("E0411", index,
                  fmt::format("{}() is the {} of a record, and a customer has none", node.text, node.text),
                  "use it in a source's where: and fields:, or in a feature's where:, part: and to:");
    }
    Operand offset = Constant(ExprType::kDuration, 0);
    if (!node.children.empty()) {
      offset = operands_[node.children[0]];
      if (NodeAt(node.children[0]).kind == ExprKind::kText) return CompileZone(index);
      if (offset.type != ExprType::kDuration || !offset.constant || std::fabs(offset.value) > kDay) {
        return FailOperand(
            node.children[0], node.text + "()", "a constant duration of at most a day",
            fmt::format("the offset from UTC or a zone, as in {0}(8h) or {0}('Europe/Berlin')", node.text));
      }
    }
    return EmitClock(node.text, offset);
  }

  Operand CompileZone(int index) {
    const ExprNode& node = NodeAt(index);
    const std::string& name = NodeAt(node.children[0]).text;
    const std::optional<Zone> zone = FindZone(name);
    if (!zone) return Fail("E0213", node.children[0], fmt::format("{} is no time zone", Quoted(name)), ZoneHint());
    const Operand number{ExprType::kNumber, builder_.ZoneConstant(*zone), false, 0};
    return EmitClock(node.text, Emit(ExprType::kDuration, Op::kZoneOffset, RecordTime(), number));
  }

  Operand EmitClock(std::string_view function, const Operand& offset) {
    const Op op = function == "hour" ? Op::kHourOfDay : Op::kDayOfWeek;
    return Emit(ExprType::kNumber, op, RecordTime(), offset);
  }

  Operand RecordTime() {
    int& reg = *scope_.time_reg;
    if (reg < 0) reg = builder_.NewRegister();
    return {ExprType::kDuration, reg, false, 0};
  }

  Operand CompileRate(int index) {
    int child = NodeAt(index).children[0];
    const Symbol* symbol = nullptr;
    if (NodeAt(child).kind == ExprKind::kName) {
      auto found = scope_.names->find(NodeAt(child).text);
      if (found != scope_.names->end()) symbol = &found->second;
      if (operands_[child].type == ExprType::kUnknown) return {};
    }
    if (symbol == nullptr || scope_.plan == nullptr || !symbol->rateable) {
      return Fail("E0410", child, fmt::format("rate() can't be taken of {}", Shown(child)),
                  "it takes the name of a count, sum or distinct over a window");
    }
    const MeasurePlan& measure = scope_.plan->measures[symbol->measure];
    const WindowPlan& window = scope_.plan->windows[measure.window];
    if (window.length == 0) {
      return Fail("E0410", child, fmt::format("the window '{}' of {} has no length", window.name, Shown(child)),
                  "take a window of finite length");
    }
    if (measure.exact) {
      return Emit(ExprType::kNumber, Op::kDivide, operands_[child],
                  Constant(ExprType::kNumber, static_cast<double>(window.length) / static_cast<double>(kDay)));
    }
    std::vector<int>& days = scope_.plan->builtins.window_days;
    days.resize(scope_.plan->windows.size(), -1);
    if (days[measure.window] < 0) days[measure.window] = builder_.NewRegister();
    return Emit(ExprType::kNumber, Op::kDivide, operands_[child], {ExprType::kNumber, days[measure.window], false, 0});
  }

  // --- the whole ---

  void CheckWanted(Want want, const Operand& root) {
    if (root.type == ExprType::kUnknown || want == Want::kAny) return;
    ExprType wanted = want == Want::kCondition ? ExprType::kBool
                      : want == Want::kNumber  ? ExprType::kNumber
                                               : ExprType::kDuration;
    if (root.type == wanted) return;
    std::string hint;
    if (want == Want::kCondition && IsNumeric(root.type)) {
      hint = fmt::format("compare it, as in {} > {}", Shown(expression_.root),
                         root.type == ExprType::kDuration ? "7d" : "0");
    } else if (want == Want::kNumber && root.type == ExprType::kDuration) {
      const bool whole = NodeAt(expression_.root).kind == ExprKind::kName;
      hint = fmt::format("write {}{}{} / 1d for days", whole ? "" : "(", Shown(expression_.root), whole ? "" : ")");
    } else if (want == Want::kNumber && root.type == ExprType::kBool && scope_.plan != nullptr) {
      hint = "use when: and add: for a condition";
    } else if (want == Want::kDuration && root.type == ExprType::kNumber) {
      hint = fmt::format("give it its unit, as in {} * 1h", Shown(expression_.root));
    }
    Fail("E0409", expression_.root,
         fmt::format("{} is wanted here, but this is {}", want == Want::kCondition ? "a condition" : TypeName(wanted),
                     TypeName(root.type)),
         hint);
  }

  const Expression& expression_;
  Scope& scope_;
  ProgramBuilder& builder_;
  std::vector<ExpressionIssue>& issues_;
  std::vector<Operand> operands_;
  std::vector<int> reads_;
};

}  // namespace

Compiled CompileExpression(const Expression& expression, Want want, Scope* scope,
                           std::vector<ExpressionIssue>* issues) {
  if (expression.root < 0) return {};
  if (scope->builder->register_count() > kMaxProgramRegisters) {
    issues->push_back(
        {"E0209", 0, expression.source.size(), "the expressions of this file are too large in all", "", {}});
    return {};
  }
  return Compiler(expression, scope, issues).Run(want);
}

std::vector<std::string> NamesIn(const Expression& expression) {
  std::vector<std::string> names;
  for (const ExprNode& node : expression.nodes) {
    bool name = node.kind == ExprKind::kName && std::find(names.begin(), names.end(), node.text) == names.end();
    if (name) names.push_back(node.text);
  }
  return names;
}

}  // namespace ebb
