// shim.cpp: the `dl` dialect's registration and verifiers, and the parts of MLIR that have no C API, but for those that take
// in the whole of MLIR (everything.cpp).
#include "shim.h"

#include "mlir/CAPI/IR.h"
#include "mlir/CAPI/Pass.h"
#include "mlir/CAPI/Registration.h"
#include "mlir/CAPI/Support.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/InliningUtils.h"

using namespace mlir;

#include "DLDialect.h.inc"
#define GET_OP_CLASSES
#include "DLOps.h.inc"

#include "DLDialect.cpp.inc"
#define GET_OP_CLASSES
#include "DLOps.cpp.inc"

namespace {
struct Inliner : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final { return true; }
};
} // namespace

void dl::DLDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "DLOps.cpp.inc"
      >();
  addInterfaces<Inliner>();
}

//===-- Verifiers. The labels C1, C2 … are those of the op's description. --------------------------===//

using Shape = SmallVector<int64_t>;

static RankedTensorType ranked(Value v) { return cast<RankedTensorType>(v.getType()); }
static ArrayRef<int64_t> dims(Value v) { return ranked(v).getShape(); }
static bool agree(int64_t a, int64_t b) {
  return a == b || ShapedType::isDynamic(a) || ShapedType::isDynamic(b);
}
static std::string text(ArrayRef<int64_t> shape) {
  std::string s = "[";
  for (auto [i, d] : llvm::enumerate(shape))
    s += (i ? ", " : "") + (ShapedType::isDynamic(d) ? std::string("?") : std::to_string(d));
  return s + "]";
}
static LogicalResult checkShape(Operation *op, StringRef label, ArrayRef<int64_t> expected, Value actual) {
  bool same = expected.size() == dims(actual).size();
  for (size_t i = 0; same && i < expected.size(); ++i) same = agree(expected[i], dims(actual)[i]);
  if (same) return success();
  return op->emitOpError() << label << ": shape should be " << text(expected) << ", is " << text(dims(actual));
}
static LogicalResult checkElement(Operation *op, Value a, Value b) {
  if (ranked(a).getElementType() == ranked(b).getElementType()) return success();
  return op->emitOpError() << "element types differ: " << ranked(a).getElementType() << " and " << ranked(b).getElementType();
}
static LogicalResult checkAxis(Operation *op, StringRef label, int64_t axis, int64_t rank) {
  if (axis >= 0 && axis < rank) return success();
  return op->emitOpError() << label << ": axis " << axis << " is outside rank " << rank;
}
static LogicalResult checkAscending(Operation *op, StringRef label, ArrayRef<int64_t> axes, int64_t rank) {
  for (auto [i, axis] : llvm::enumerate(axes)) {
    if (failed(checkAxis(op, label, axis, rank))) return failure();
    if (i && axes[i - 1] >= axis) return op->emitOpError() << label << ": axes " << text(axes) << " are not ascending";
  }
  return success();
}
static LogicalResult checkCount(Operation *op, StringRef label, StringRef what, size_t expected, size_t actual) {
  if (expected == actual) return success();
  return op->emitOpError() << label << ": " << expected << " " << what << " expected, " << actual << " given";
}
static LogicalResult checkSizes(Operation *op, StringRef label, Value result, OperandRange sizes) {
  return checkCount(op, label, "sizes", ranked(result).getNumDynamicDims(), sizes.size());
}

LogicalResult dl::BitcastOp::verify() {
  auto a = ranked(getX()).getElementTypeBitWidth(), b = ranked(getY()).getElementTypeBitWidth();
  return a == b ? success() : emitOpError() << "widths differ: " << a << " and " << b << " bits";
}

LogicalResult dl::DotGeneralOp::verify() {
  auto lb = getLhsBatch(), rb = getRhsBatch(), lc = getLhsContract(), rc = getRhsContract();
  auto l = dims(getLhs()), r = dims(getRhs());
  if (failed(checkElement(*this, getLhs(), getRhs())) || failed(checkElement(*this, getLhs(), getY()))) return failure();
  if (failed(checkCount(*this, "C1", "batch axes of rhs", lb.size(), rb.size())) ||
      failed(checkCount(*this, "C1", "contracting axes of rhs", lc.size(), rc.size()))) return failure();
  SmallVector<bool> lused(l.size()), rused(r.size());
  Shape expected;
  for (auto [as, bs, what] : {std::tuple(lb, rb, "batch"), std::tuple(lc, rc, "contracting")})
    for (auto [a, b] : llvm::zip(as, bs)) {
      if (failed(checkAxis(*this, "C1", a, l.size())) || failed(checkAxis(*this, "C1", b, r.size()))) return failure();
      if (lused[a] || rused[b]) return emitOpError() << "C1: an axis is named twice";
      lused[a] = rused[b] = true;
      if (!agree(l[a], r[b]))
        return emitOpError() << "C1: " << what << " dims differ: axis " << a << " of lhs is " << l[a] << ", axis " << b << " of rhs is " << r[b];
      if (StringRef(what) == "batch") expected.push_back(ShapedType::isDynamic(l[a]) ? r[b] : l[a]);
    }
  for (size_t i = 0; i < l.size(); ++i) if (!lused[i]) expected.push_back(l[i]);
  for (size_t i = 0; i < r.size(); ++i) if (!rused[i]) expected.push_back(r[i]);
  return checkShape(*this, "C2", expected, getY());
}

// The shape with as many windows as fit, along the last axes of x; `shape` begins with the other axes.
static LogicalResult checkWindows(Operation *op, Shape shape, Value x, ArrayRef<int64_t> window, ArrayRef<int64_t> strides, ArrayRef<int64_t> dilations, Value y, OperandRange sizes) {
  for (auto list : {window, strides, dilations}) {
    if (failed(checkCount(op, "C1", "numbers for the axes of windows", dims(x).size() - shape.size(), list.size()))) return failure();
    // The window of a convolution is its w's, of any size.
    for (int64_t n : list)
      if (n < 1 && (list != window || isa<dl::ReduceWindowOp>(op))) return op->emitOpError() << "C1: " << n << " is less than 1";
  }
  auto all = dims(x).drop_front(shape.size());
  for (size_t i = 0; i < all.size(); ++i) {
    int64_t rest = all[i] - 1 - (window[i] - 1) * dilations[i];
    if (ShapedType::isDynamic(all[i]) || ShapedType::isDynamic(window[i])) shape.push_back(ShapedType::kDynamic);
    else shape.push_back(rest < 0 ? 0 : rest / strides[i] + 1);
  }
  return failed(checkShape(op, "C3", shape, y)) ? failure() : checkSizes(op, "C4", y, sizes);
}
LogicalResult dl::ConvOp::verify() {
  auto x = dims(getX()), w = dims(getW());
  if (x.size() < 3 || w.size() != x.size()) return emitOpError() << "C1: ranks " << x.size() << " and " << w.size() << " should be equal and 3 or more";
  int64_t channels = ShapedType::isDynamic(w[1]) ? w[1] : w[1] * getGroups();
  if (getGroups() < 1 || !agree(x[1], channels) || (!ShapedType::isDynamic(w[0]) && w[0] % getGroups()))
    return emitOpError() << "C2: " << getGroups() << " groups do not fit " << text(x) << " and " << text(w);
  return checkWindows(*this, {x[0], w[0]}, getX(), w.drop_front(2), getStrides(), getDilations(), getY(), getSizes());
}
LogicalResult dl::ReduceWindowOp::verify() {
  if (!llvm::is_contained({"sum", "max", "min", "prod"}, getKind())) return emitOpError() << "C2: unknown kind \"" << getKind() << "\"";
  return checkWindows(*this, {}, getX(), getWindow(), getStrides(), getDilations(), getY(), getSizes());
}

LogicalResult dl::ReduceOp::verify() {
  bool boolean = ranked(getX()).getElementType().isInteger(1);
  bool logical = getKind() == "any" || getKind() == "all";
  if (!logical && !llvm::is_contained({"sum", "max", "min", "prod"}, getKind()))
    return emitOpError() << "C1: unknown kind \"" << getKind() << "\"";
  if (logical != boolean) return emitOpError() << "C1: kind \"" << getKind() << "\" does not fit " << ranked(getX()).getElementType();
  if (failed(checkElement(*this, getX(), getY())) || failed(checkAscending(*this, "C2", getAxes(), dims(getX()).size()))) return failure();
  Shape expected;
  for (auto [i, d] : llvm::enumerate(dims(getX()))) if (!llvm::is_contained(getAxes(), (int64_t)i)) expected.push_back(d);
  return checkShape(*this, "C3", expected, getY());
}
LogicalResult dl::ArgReduceOp::verify() {
  if (getKind() != "argmax" && getKind() != "argmin") return emitOpError() << "C1: unknown kind \"" << getKind() << "\"";
  if (failed(checkAxis(*this, "C2", getAxis(), dims(getX()).size()))) return failure();
  Shape expected(dims(getX()));
  expected.erase(expected.begin() + getAxis());
  return checkShape(*this, "C3", expected, getY());
}

static Shape taken(Value x, Value ids, int64_t axis) {
  Shape s(dims(x).take_front(axis));
  llvm::append_range(s, dims(ids));
  llvm::append_range(s, dims(x).drop_front(axis + 1));
  return s;
}
static Shape along(Value x, Value ids, int64_t axis) {
  Shape s(dims(x));
  if (axis < (int64_t)dims(ids).size()) s[axis] = dims(ids)[axis];
  return s;
}
static LogicalResult checkIndexed(Operation *op, Value x, Value ids, Value slices, int64_t axis, Shape (*shape)(Value, Value, int64_t)) {
  if (failed(checkElement(op, x, slices)) || failed(checkAxis(op, "C1", axis, dims(x).size()))) return failure();
  if (shape == along && failed(checkShape(op, "C2", along(x, ids, axis), ids))) return failure();
  return checkShape(op, "C2", shape(x, ids, axis), slices);
}
LogicalResult dl::TakeOp::verify() { return checkIndexed(*this, getX(), getIds(), getY(), getAxis(), taken); }
LogicalResult dl::ScatterOp::verify() { return checkIndexed(*this, getX(), getIds(), getUpdates(), getAxis(), taken); }
LogicalResult dl::TakeAlongAxisOp::verify() { return checkIndexed(*this, getX(), getIds(), getY(), getAxis(), along); }
LogicalResult dl::ScatterAddAlongAxisOp::verify() { return checkIndexed(*this, getX(), getIds(), getUpdates(), getAxis(), along); }

LogicalResult dl::RandomBitsOp::verify() {
  if (dims(getKey()).empty() || dims(getKey()).back() != 2) return emitOpError() << "C1: a key is tensor<2xui32>, not " << getKey().getType();
  return checkSizes(*this, "C2", getY(), getSizes());
}

OpFoldResult dl::ConstantOp::fold(FoldAdaptor) { return getValue(); }

LogicalResult dl::IotaOp::verify() {
  if (failed(checkAxis(*this, "C1", getAxis(), dims(getY()).size()))) return failure();
  return checkSizes(*this, "C2", getY(), getSizes());
}
LogicalResult dl::BroadcastOp::verify() {
  if (failed(checkElement(*this, getX(), getY())) ||
      failed(checkCount(*this, "C1", "axes", dims(getX()).size(), getAxes().size())) ||
      failed(checkAscending(*this, "C1", getAxes(), dims(getY()).size()))) return failure();
  Shape expected(dims(getY()));
  for (auto [i, axis] : llvm::enumerate(getAxes())) expected[axis] = dims(getX())[i];
  if (failed(checkShape(*this, "C2", expected, getY()))) return failure();
  return checkSizes(*this, "C3", getY(), getSizes());
}
LogicalResult dl::ReshapeOp::verify() {
  auto x = ranked(getX()), y = ranked(getY());
  if (failed(checkElement(*this, getX(), getY()))) return failure();
  if (x.hasStaticShape() && y.hasStaticShape() && x.getNumElements() != y.getNumElements())
    return emitOpError() << "C1: " << text(x.getShape()) << " has " << x.getNumElements() << " elements, " << text(y.getShape()) << " has " << y.getNumElements();
  return checkSizes(*this, "C2", getY(), getSizes());
}
LogicalResult dl::TransposeOp::verify() {
  auto x = dims(getX());
  if (failed(checkElement(*this, getX(), getY())) || failed(checkCount(*this, "C1", "axes", x.size(), getPermutation().size()))) return failure();
  SmallVector<bool> used(x.size());
  Shape expected;
  for (int64_t axis : getPermutation()) {
    if (failed(checkAxis(*this, "C1", axis, x.size()))) return failure();
    if (used[axis]) return emitOpError() << "C1: axis " << axis << " is named twice";
    used[axis] = true;
    expected.push_back(x[axis]);
  }
  return checkShape(*this, "C2", expected, getY());
}
LogicalResult dl::ReverseOp::verify() { return checkAscending(*this, "C1", getAxes(), dims(getX()).size()); }
LogicalResult dl::ConcatenateOp::verify() {
  if (getInputs().empty()) return emitOpError() << "C1: needs an operand";
  Shape expected(dims(getInputs()[0]));
  int64_t axis = getAxis();
  if (failed(checkAxis(*this, "C1", axis, expected.size()))) return failure();
  int64_t sum = 0;
  for (Value x : getInputs()) {
    if (failed(checkElement(*this, x, getY()))) return failure();
    if (axis < (int64_t)dims(x).size()) {
      int64_t d = dims(x)[axis];
      sum = ShapedType::isDynamic(d) || ShapedType::isDynamic(sum) ? ShapedType::kDynamic : sum + d;
      expected[axis] = d;
    }
    if (failed(checkShape(*this, "C2", expected, x))) return failure();
  }
  expected[axis] = sum;
  return checkShape(*this, "C2", expected, getY());
}
static LogicalResult checkWindow(Operation *op, StringRef what, size_t rank, OperandRange starts, ArrayRef<int64_t> strides, int64_t least) {
  if (failed(checkCount(op, "C1", what, rank, starts.size())) || failed(checkCount(op, "C1", "strides", rank, strides.size()))) return failure();
  for (int64_t s : strides) if (s < least) return op->emitOpError() << "C1: " << s << " is less than " << least;
  return success();
}
// Whether `part` laid out at `starts` with `strides` leaves `whole`, as far as the dims are known.
static LogicalResult checkInside(Operation *op, ArrayRef<int64_t> part, OperandRange starts, ArrayRef<int64_t> strides, ArrayRef<int64_t> whole) {
  for (size_t i = 0; i < part.size(); ++i) {
    APInt start;
    if (ShapedType::isDynamic(part[i]) || ShapedType::isDynamic(whole[i]) || part[i] == 0 || !matchPattern(starts[i], m_ConstantInt(&start))) continue;
    int64_t first = start.getSExtValue(), last = first + (part[i] - 1) * strides[i];
    if (first < 0 || last >= whole[i])
      return op->emitOpError() << "C3: axis " << i << " spans " << first << " to " << last << " of a dim of " << whole[i];
  }
  return success();
}
LogicalResult dl::SliceOp::verify() {
  if (failed(checkElement(*this, getX(), getY())) || failed(checkCount(*this, "C1", "dims in the result", dims(getX()).size(), dims(getY()).size())) ||
      failed(checkWindow(*this, "starts", dims(getX()).size(), getStarts(), getStrides(), 1)) ||
      failed(checkSizes(*this, "C2", getY(), getSizes()))) return failure();
  return checkInside(*this, dims(getY()), getStarts(), getStrides(), dims(getX()));
}
LogicalResult dl::UpdateSliceOp::verify() {
  if (failed(checkElement(*this, getX(), getUpdate())) || failed(checkCount(*this, "C1", "dims in the update", dims(getX()).size(), dims(getUpdate()).size())) ||
      failed(checkWindow(*this, "starts", dims(getX()).size(), getStarts(), getStrides(), 1))) return failure();
  return checkInside(*this, dims(getUpdate()), getStarts(), getStrides(), dims(getX()));
}
LogicalResult dl::PadOp::verify() {
  if (failed(checkElement(*this, getX(), getY())) || failed(checkElement(*this, getX(), getValue())) ||
      failed(checkShape(*this, "C1", {}, getValue())) || failed(checkCount(*this, "C1", "dims in the result", dims(getX()).size(), dims(getY()).size())) ||
      failed(checkWindow(*this, "lows", dims(getX()).size(), getLow(), getInterior(), 0)) ||
      failed(checkSizes(*this, "C2", getY(), getSizes()))) return failure();
  Shape strides(getInterior());
  for (int64_t &s : strides) ++s;
  return checkInside(*this, dims(getX()), getLow(), strides, dims(getY()));
}

//===-- What the C API leaves out -----------------------------------------------------------------===//

MLIR_DEFINE_CAPI_DIALECT_REGISTRATION(DL, dl, dl::DLDialect)

void dlcRegisterPass(MlirPass (*create)(void *), void *data) {
  registerPass([=] { return std::unique_ptr<Pass>(unwrap(create(data))); });
}
void dlcEmit(bool isError, MlirLocation location, MlirStringRef message, intptr_t count, const MlirLocation *places, const MlirStringRef *notes) {
  InFlightDiagnostic report = (isError ? emitError(unwrap(location)) : emitRemark(unwrap(location))) << unwrap(message);
  for (intptr_t i = 0; i < count; ++i) report.attachNote(unwrap(places[i])) << unwrap(notes[i]);
}
void dlcPassManagerEnableReproducer(MlirPassManager manager, MlirStringRef path) {
  unwrap(manager)->enableCrashReproducerGeneration(unwrap(path), /*genLocalReproducer=*/false);
}
