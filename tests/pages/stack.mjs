// The stack whose pages are looked at, in a process of its own.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const DEADLINE = 180_000

// Starts it, waits until it says where it is, and gives that with a way to end it.
export const startStack = async (binary) => {
  const stack = spawn(binary, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => stack.once('exit', resolve))
  const stop = async () => {
    stack.stdin.end()
    await ended
  }
  const ready = new Promise((resolve, reject) => {
    stack.once('error', reject)
    ended.then((code) => reject(new Error(`the stack has ended (${code})`)))
    setTimeout(() => reject(new Error(`the stack is not there after ${DEADLINE / 1000} s`)), DEADLINE).unref()
    createInterface(stack.stdout).on('line', (line) => line.startsWith('{"base"') && resolve(JSON.parse(line)))
  })
  try {
    return { ...(await ready), stop }
  } catch (error) {
    stack.kill()
    throw error
  }
}
