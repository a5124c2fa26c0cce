// What messages and docs/pipeline.md say of the language: its functions, and what each is called with; its types.
#include "config/expression_compile.h"

namespace ebb {
namespace {

constexpr size_t kAnyNumber = 32;  // arguments of coalesce, min, max; items of a list have no limit but the length

constexpr ExpressionFunction kFunctions[] = {
    {"if", 3, 3, "if(condition, value, otherwise)", "`otherwise` also when the condition is null"},
    {"coalesce", 2, kAnyNumber, "coalesce(value, instead_of_null, ...)", "the first that isn't null"},
    {"safe_div", 2, 2, "safe_div(a, b)", "a / b; 0 when b is 0, or either is null"},
    {"rate", 1, 1, "rate(feature)",
     "a `count`, `sum` or `distinct` over a finite window, per day that the window covers"},
    {"abs", 1, 1, "abs(value)", "without its sign; null when it is null"},
    {"min", 2, kAnyNumber, "min(a, b, ...)", "the smallest; null when any is null"},
    {"max", 2, kAnyNumber, "max(a, b, ...)", "the largest; null when any is null"},
    {"clamp", 3, 3, "clamp(value, low, high)", "at least `low`, at most `high`"},
    {"log1p", 1, 1, "log1p(number)", "the natural logarithm of 1 + number; null outside the domain"},
    {"sqrt", 1, 1, "sqrt(number)", "the square root; null outside the domain"},
    {"is_null", 1, 1, "is_null(value)", "true or false"},
    {"hour", 0, 1, "hour() or hour(8h)",
     "of a record: 0 to 23, in UTC, or as far from it as the offset says: `hour(-5h)`; or by the clocks of a "
     "[zone](#time-zones), summer time included: `hour('Europe/Berlin')`"},
    {"weekday", 0, 1, "weekday() or weekday(8h)", "of a record: 1 (Monday) to 7 (Sunday), likewise"},
};

}  // namespace

std::string_view TypeName(ExprType type) {
  switch (type) {
    case ExprType::kNumber:
      return "a number";
    case ExprType::kDuration:
      return "a duration";
    case ExprType::kText:
      return "a text";
    case ExprType::kBool:
      return "true or false";
    case ExprType::kTime:
      return "a time";
    case ExprType::kNullType:
      return "null";
    case ExprType::kUnknown:
      return "of unknown type";
  }
  return "";
}

std::span<const ExpressionFunction> ExpressionFunctions() { return kFunctions; }

}  // namespace ebb
