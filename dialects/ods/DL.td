// DL.td: all op records.
include "Elementwise.td"
include "Structured.td"
include "Shape.td"
