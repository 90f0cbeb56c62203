# Whether the worker of this container works: it has told Redis within the last minute that it lives, and the queues that webhooks
# pass through are not stuck. Sidekiq serves no port to ask. Without Rails, whose start would take longer than the check's timeout.
require 'sidekiq/api'
require 'socket'

SILENT_AFTER = 60 # Sidekiq says that it lives every 10 s.
STUCK_AFTER = 300 # Chatwoot gives up on a webhook after 5 s; minutes of waiting mean that nothing is taken off the queue.

Sidekiq.configure_client do |config|
  config.redis = { url: ENV.fetch('REDIS_URL'), password: ENV.fetch('REDIS_PASSWORD') }
end

own = Sidekiq::ProcessSet.new.find { |process| process['hostname'] == Socket.gethostname }
abort 'no sign of life in Redis' unless own
silent = Time.now.to_f - own['beat'].to_f
abort "no sign of life for #{silent.round} s" if silent > SILENT_AFTER

%w[critical medium].each do |queue|
  waiting = Sidekiq::Queue.new(queue).latency
  abort "the queue #{queue} has waited for #{waiting.round} s" if waiting > STUCK_AFTER
end
puts 'works'
