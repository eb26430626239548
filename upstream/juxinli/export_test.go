package juxinli

// DecodeReply and DecodeReceipt are what the fuzzer drives.
var (
	DecodeReply   = decodeReply
	DecodeReceipt = decodeReceipt
)
